-- The record: progress and state of lanes, what was found and decided, what was done about it.
-- Keys that may hold outside text are bounded to 512 characters by the code: a btree entry above
-- about 2.7 kB is refused by PostgreSQL and would stop a whole slice. No index spans two of them.

create table lane (
  consumer_group text not null,
  lane int not null,
  owner_epoch bigint not null default 0,
  owner text,
  seq bigint not null default 0,
  watermark_ms bigint,
  counters jsonb not null default '{}',
  claimed_at timestamptz,
  committed_at timestamptz,
  primary key (consumer_group, lane)
);

create table progress (
  consumer_group text not null,
  topic text not null,
  partition int not null,
  lane int not null,
  low_offset bigint not null default 0,
  next_offset bigint not null default 0,
  owner_epoch bigint not null default 0,
  owner text,
  claimed_at timestamptz,
  primary key (consumer_group, topic, partition)
);
create index progress_lane on progress (consumer_group, lane);

create table state_page (
  consumer_group text not null,
  lane int not null,
  page int not null,
  upto_seq bigint not null,
  bytes bytea not null,
  primary key (consumer_group, lane, page)
);
create table state_delta (
  consumer_group text not null,
  lane int not null,
  seq bigint not null,
  bytes bytea not null,
  primary key (consumer_group, lane, seq)
);
-- Packed state does not compress: storing it as it is saves the time to try.
alter table state_page alter column bytes set storage external;
alter table state_delta alter column bytes set storage external;

create table detection (
  id text collate "C" primary key,
  lane int not null,
  detector text not null,
  level text not null,
  evidence_class text not null,
  maturity text not null,
  tenant text not null,
  agent text not null,
  session text,
  seq double precision,
  time_ms bigint not null,
  decided_ms bigint not null,
  blind text[] not null default '{}',
  late boolean not null,
  retracted boolean not null default false,
  retracted_reason text,
  body jsonb not null,
  recorded_at timestamptz not null default now()
);
create index detection_decided on detection (decided_ms, id);
create index detection_session on detection (session);
create index detection_agent on detection (agent);

create table case_record (
  id text collate "C" primary key,
  lane int not null,
  level text not null,
  tenant text not null,
  agent text not null,
  session text,
  opened_ms bigint not null,
  last_ms bigint not null,
  detection_count bigint not null,
  body jsonb not null
);
create index case_record_last on case_record (last_ms desc, id);
create index case_record_agent on case_record (agent);

create table decision (
  id text collate "C" primary key,
  lane int not null,
  case_id text not null,
  detection_id text not null,
  tenant text not null,
  agent text not null,
  asked text not null,
  taken text not null,
  outcome text not null,
  would_act boolean not null,
  time_ms bigint not null,
  lease_id text,
  body jsonb not null
);
create index decision_case on decision (case_id, time_ms);

create table lease (
  id text collate "C" primary key,
  lane int not null,
  case_id text not null,
  decision_id text not null,
  driver text not null,
  verb text not null,
  tenant text not null,
  agent text not null,
  session text,
  tools text[] not null default '{}',
  level text not null,
  mode text not null,
  reason text not null,
  issued_ms bigint not null,
  expires_ms bigint,
  state text not null default 'requested',
  verification text not null default 'none',
  verified_by text,
  verified_ms bigint,
  leaked_calls bigint not null default 0,
  latency_calls bigint not null default 0,
  accepted_ms bigint,
  ended_ms bigint,
  cause text,
  request jsonb not null
);
create index lease_standing on lease (lane, expires_ms)
  where state in ('requested', 'accepted', 'releasing');
create index lease_case on lease (case_id);
create index lease_agent on lease (agent);

create table outbox (
  ord bigint generated always as identity unique,
  key text collate "C" primary key,
  lane int not null,
  lease_id text not null,
  step text not null,
  state text not null default 'waiting',
  due_ms bigint not null default 0,
  hold_ms bigint,
  attempts int not null default 0,
  first_sent_ms bigint,
  unsure boolean not null default false,
  outcome text,
  detail text,
  settled_ms bigint,
  intention jsonb not null
);
comment on column outbox.state is 'waiting, sending (until hold_ms) or done';
comment on column outbox.unsure is 'true once a request was sent whose reply is not known';
create index outbox_open on outbox (lane, ord) where state <> 'done';
create index outbox_lease on outbox (lease_id, ord);

create table lease_activity (
  lease_id text not null,
  event_id text not null,
  time_ms bigint not null,
  allowed boolean not null,
  tool text not null,
  primary key (lease_id, event_id)
);
create index lease_activity_time on lease_activity (lease_id, allowed, time_ms);

create table coverage_gap (
  id text collate "C" primary key,
  lane int not null,
  source text not null,
  kind text not null,
  from_ms bigint not null,
  to_ms bigint,
  reason text not null,
  sessions bigint not null
);
create index coverage_gap_from on coverage_gap (from_ms);

create table notice (
  id text primary key,
  code text not null,
  subject text not null,
  detail text not null,
  count bigint not null,
  first_ms bigint not null,
  last_ms bigint not null
);
create index notice_last on notice (last_ms desc, id);
create table notice_total (
  code text primary key,
  count bigint not null
);

create table dead_letter (
  topic text not null,
  partition int not null,
  record_offset bigint not null,
  index int not null,
  source text not null,
  format text not null,
  reason text not null,
  detail text not null,
  size bigint not null,
  raw bytea not null,
  received_ms bigint not null,
  primary key (topic, partition, record_offset, index)
);
create index dead_letter_received on dead_letter (received_ms desc);

create table operator_request (
  ord bigint generated always as identity unique,
  id text primary key,
  type text not null,
  at_ms bigint not null,
  body jsonb not null
);
create table operator_request_done (
  id text not null references operator_request (id),
  lane int not null,
  done_ms bigint not null,
  primary key (id, lane)
);

create table journal (
  lane int not null,
  n bigint not null,
  at_ms bigint not null,
  kind text not null,
  body text not null,
  prev text not null,
  hash text not null,
  primary key (lane, n)
);
create table journal_head (
  lane int primary key,
  n bigint not null,
  hash text not null
);

create function refuse_journal_change() returns trigger language plpgsql as $$
begin
  raise exception 'the journal is append-only' using errcode = 'restrict_violation';
end $$;
create trigger journal_append_only
  before update or delete or truncate on journal
  for each statement execute function refuse_journal_change();

-- A case is open while at least one of its detections was not retracted.
create view case_listed as
  select c.id, c.level, c.tenant, c.agent, c.session, c.opened_ms, c.last_ms, c.body,
    exists (select 1 from detection d where d.agent = c.agent and d.tenant = c.tenant
      and d.session is not distinct from c.session and not d.retracted) as open,
    (select count(*) from lease l where l.case_id = c.id
      and l.state in ('requested', 'accepted', 'releasing')) as standing
  from case_record c;

create view lease_listed as
  select l.id, l.case_id, l.decision_id, l.driver, l.verb, l.agent, l.level, l.reason, l.issued_ms,
    l.accepted_ms, l.expires_ms, l.ended_ms, l.state, l.cause, l.verification, l.verified_by,
    l.verified_ms, l.leaked_calls, l.latency_calls, l.request -> 'subject' as subject,
    (select coalesce(sum(o.attempts), 0)::bigint from outbox o where o.lease_id = l.id) as attempts,
    (select o.detail from outbox o where o.lease_id = l.id and o.detail is not null
      order by o.settled_ms desc, o.ord desc limit 1) as last_detail
  from lease l;
