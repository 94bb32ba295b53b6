-- Alerts: what is told of cases, one row for each sink, and what each sink was last told.
-- Keys are bounded to 512 characters by the code. Sinks are named by configuration.

-- How far the journal of a lane was read for what people are to be told.
create table alert_cursor (
  lane int primary key,
  n bigint not null
);
-- What was announced before there were sinks is old news.
insert into alert_cursor (lane, n) select lane, n from journal_head;

create table alert (
  ord bigint generated always as identity primary key,
  sink text collate "C" not null,
  uid text collate "C" not null,
  lane int not null,
  kind text not null,
  activity text not null,
  case_id text collate "C" not null,
  level text not null,
  sequence int not null,
  why text[] not null,
  says text[] not null default '{}',
  step jsonb,
  state text not null default 'waiting',
  due_ms bigint not null,
  hold_ms bigint,
  attempts int not null default 0,
  announced_ms bigint not null,
  created_ms bigint not null,
  first_sent_ms bigint,
  settled_ms bigint,
  outcome text,
  detail text,
  body jsonb,
  unique (sink, uid)
);
comment on column alert.state is 'waiting, sending (until hold_ms), sent, silenced or dead';
comment on column alert.says is 'what announcements in it say beyond the case: who is asked for what';
comment on column alert.announced_ms is 'event time of the last announcement in it';
comment on column alert.body is 'as rendered for the first sending; every further try carries the same';
create index alert_open on alert (sink, ord) where state in ('waiting', 'sending');
create index alert_case on alert (case_id, sink, ord);
create index alert_settled on alert (settled_ms) where state in ('sent', 'silenced', 'dead');

-- What a sink believes: the last alert it took of each case.
create table alert_told (
  sink text collate "C" not null,
  case_id text collate "C" not null,
  uid text not null,
  told_ms bigint not null,
  refreshed_ms bigint not null,
  closed boolean not null,
  thread text,
  body jsonb not null,
  primary key (sink, case_id)
);
create index alert_told_open on alert_told (sink, refreshed_ms) where not closed;
create index alert_told_closed on alert_told (refreshed_ms) where closed;

create table alert_sink (
  sink text collate "C" primary key,
  failing_since_ms bigint,
  last_sent_ms bigint,
  last_detail text
);
