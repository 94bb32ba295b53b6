-- Posture: who polls, what each has fetched, and what waits for an executor that asks for its work.

create table posture_consumer (
  consumer text collate "C" not null,
  -- The agent it asks about; empty: all of its tenant.
  about text collate "C" not null,
  tenant text not null,
  first_ms bigint not null,
  last_ms bigint not null,
  -- Longest time between an answer and the next question, ms.
  gap_ms bigint not null default 0,
  -- How long its last question may be held open, ms.
  wait_ms bigint not null default 0,
  revision text not null,
  -- Since when it has been taken for one that stopped asking; null: it asks.
  silent_ms bigint,
  primary key (consumer, about)
);

-- When an enforcement point first had a lease in its hands.
create table posture_fetch (
  lease_id text collate "C" not null,
  consumer text collate "C" not null,
  at_ms bigint not null,
  primary key (lease_id, consumer)
);

create table pull_offer (
  ord bigint generated always as identity unique,
  key text collate "C" primary key,
  driver text not null,
  lease_id text not null,
  expires_ms bigint,
  state text not null default 'open',
  offered_ms bigint not null,
  handed_ms bigint,
  handed int not null default 0,
  ended_ms bigint,
  detail text,
  step text not null,
  item jsonb not null
);
comment on column pull_offer.state is 'open, acked, failed or superseded';
create index pull_offer_open on pull_offer (driver, ord) where state = 'open';
create index pull_offer_lease on pull_offer (lease_id) where state = 'open';

-- The kill switch is read with every document.
create index operator_request_pause on operator_request (ord) where type in ('pause', 'resume');
