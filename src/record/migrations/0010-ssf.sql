-- Shared signals: streams of receivers, what each lease asks of a subject, and what is still to be delivered.

create table signal_stream (
  id text collate "C" primary key,
  ord bigserial not null,
  receiver text collate "C" not null unique,
  audience text not null,
  -- {method, url?, sealedAuthorization?}; the header of a receiver is stored sealed.
  delivery jsonb not null,
  events text[] not null,
  description text,
  status text not null,
  reason text,
  excluded text[] not null default '{}',
  heard_ms bigint,
  verified_ms bigint,
  last_error text,
  dropped bigint not null default 0
);

-- What a lease wishes of its subject: the end of one lease takes back no wish of another.
create table signal_wish (
  lease_id text collate "C" primary key,
  verb text not null,
  subject_key text collate "C" not null,
  session text,
  tools text[] not null,
  expires_ms bigint,
  released boolean not null default false,
  recorded_ms bigint not null
);
create index signal_wish_subject on signal_wish (subject_key) where not released;

create table signal (
  jti text collate "C" not null,
  stream_id text collate "C" not null references signal_stream (id) on delete cascade,
  ord bigserial not null,
  intention_key text collate "C",
  lease_id text collate "C",
  subject_key text collate "C" not null,
  claims jsonb not null,
  -- About the stream itself: goes out whatever the status.
  notice boolean not null default false,
  state text not null default 'waiting',
  attempts int not null default 0,
  due_ms bigint not null default 0,
  hold_ms bigint not null default 0,
  expires_ms bigint,
  detail text,
  settled_ms bigint,
  primary key (stream_id, jti)
);
create index signal_waiting on signal (stream_id, subject_key, ord) where state = 'waiting';
create index signal_key on signal (intention_key);
create index signal_lease on signal (lease_id);
create index signal_settled on signal (settled_ms) where settled_ms is not null;
