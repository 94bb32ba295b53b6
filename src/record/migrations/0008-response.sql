-- Response: what stood before an action, who must agree to it, and what its times are counted from.

alter table lease add column prior jsonb;
alter table lease add column role text;
alter table lease add column evidence_ms bigint;
-- When the record was written, by the clock of the database: the end of detecting, the start of acting.
alter table lease add column recorded_ms bigint not null
  default (extract(epoch from clock_timestamp()) * 1000)::bigint;

create table approval (
  lease_id text collate "C" primary key,
  lane int not null,
  quorum int not null,
  within_ms bigint not null,
  barred text[] not null default '{}',
  -- Null until an executor has seen it: waiting counts from then.
  requested_ms bigint,
  expires_ms bigint,
  state text not null default 'pending',
  ended_ms bigint
);
create index approval_pending on approval (lane, expires_ms) where state = 'pending';

create table approval_vote (
  lease_id text collate "C" not null references approval (lease_id),
  voter text not null,
  vote text not null,
  note text not null,
  at_ms bigint not null,
  primary key (lease_id, voter)
);
