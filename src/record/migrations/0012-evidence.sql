-- Evidence levels: events at each level in the last completed hour of each source and agent.

create table evidence_level (
  source text collate "C" not null,
  tenant text collate "C" not null,
  agent text collate "C" not null,
  hour_ms bigint not null,
  l0 bigint not null,
  l1 bigint not null,
  l2 bigint not null,
  l3 bigint not null,
  primary key (source, tenant, agent)
);
