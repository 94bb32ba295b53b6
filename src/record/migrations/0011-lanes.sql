-- Several lanes read the same source partitions: each has a position of its own in every one of them.
alter table progress drop constraint progress_pkey;
alter table progress add primary key (consumer_group, lane, topic, partition);
drop index progress_lane;

-- How a group is cut into lanes: what is stored of one cut means nothing in another.
create table lane_layout (
  consumer_group text primary key,
  lanes int not null,
  topic text not null,
  lane_key text not null
);
comment on column lane_layout.topic is 'internal topic of which each lane is a partition; empty: one lane, no such topic';
insert into lane_layout (consumer_group, lanes, topic, lane_key)
  select distinct consumer_group, 1, '', '' from lane;

-- Source partitions that some lane of a member wants to wait, for whoever forwards them.
create table lane_pause (
  consumer_group text not null,
  member text not null,
  topic text not null,
  partition int not null,
  wished_at timestamptz not null,
  primary key (consumer_group, member, topic, partition)
);

-- How far source partitions were forwarded in event time: none is to run far ahead of the slowest.
create table lane_forwarded (
  consumer_group text not null,
  topic text not null,
  partition int not null,
  newest_ms bigint,
  at_end boolean not null,
  told_at timestamptz not null,
  primary key (consumer_group, topic, partition)
);

-- A tenant's sources are silent or not for themselves.
alter table coverage_gap add column tenant text not null default '-';
