-- Service levels: what objectives counted hour by hour, and what agents used day by day.
-- Both grow in the same transaction as the positions, so a record is counted once, whatever crashes.

create table objective_hour (
  objective text collate "C" not null,
  tenant text not null,
  hour_ms bigint not null,
  good bigint not null,
  bad bigint not null,
  primary key (objective, tenant, hour_ms)
);

create table usage_day (
  day_ms bigint not null,
  tenant text collate "C" not null,
  agent text collate "C" not null,
  role text collate "C" not null,
  workflow text collate "C" not null,
  model text collate "C" not null,
  sessions bigint not null,
  turns bigint not null,
  refusals bigint not null,
  calls bigint not null,
  failures bigint not null,
  denials bigint not null,
  tokens double precision not null,
  cost double precision not null
);
-- Six names of up to 512 characters are too long for an index; their digest is not.
alter table usage_day add column id text collate "C" primary key;
create index usage_day_day on usage_day (day_ms);
