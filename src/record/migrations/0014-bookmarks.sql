-- What the last record read was: a topic that was deleted and made again is another log of the same name.
alter table progress add column incarnation int not null default 1;
alter table progress add column bookmark_offset bigint;
alter table progress add column bookmark_ms bigint;
alter table progress add column bookmark_sha text;
comment on column progress.incarnation is 'which log of this name, from 1';
comment on column progress.bookmark_sha is 'first 16 bytes of SHA-256 over key and value of the record at bookmark_offset, in hex';

-- Which cluster a group reads: positions of one mean nothing in another.
create table broker_cluster (
  consumer_group text primary key,
  cluster_id text not null,
  since timestamptz not null default now()
);
