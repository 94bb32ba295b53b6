-- The event log: what arrived over HTTP, raw and in order, for fleets without Kafka.

-- Locked by every append to its commit: numbers are without gaps and become visible in their order.
-- The row of topic '' counts appends over all topics (next_offset is the next append_no) and their bytes.
create table event_log_head (
  topic text collate "C" not null,
  partition int not null,
  next_offset bigint not null default 0,
  log_start bigint not null default 0,
  bytes bigint not null default 0,
  primary key (topic, partition)
);
insert into event_log_head (topic, partition) values ('', 0);

create table event_log (
  append_no bigint primary key,
  topic text collate "C" not null,
  partition int not null,
  "offset" bigint not null,
  received_ms bigint not null,
  key bytea,
  headers jsonb,
  value bytea not null,
  -- Bytes of all values ever appended before this one: what lies between two rows is one subtraction.
  bytes_before bigint not null,
  unique (topic, partition, "offset")
);
-- Bodies are stored as they came; trying to pack them costs time on the way to the answer.
alter table event_log alter column value set storage external;

-- What was answered under an Idempotency-Key, so that the same request is answered the same way again.
create table event_log_receipt (
  topic text collate "C" not null,
  -- SHA-256 of the key: keys are the senders' text.
  key_hash bytea not null,
  body_hash bytea not null,
  first_offset bigint,
  accepted int not null,
  rejected int not null,
  received_ms bigint not null,
  primary key (topic, key_hash)
);
create index event_log_receipt_age on event_log_receipt (received_ms);
