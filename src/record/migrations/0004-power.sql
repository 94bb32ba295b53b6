-- Power and cases: what was excused, judged and demoted, which detections a case holds, and what led to
-- what. Keys are bounded to 512 characters by the code; those of case_member are hashes of our own.

alter table detection add column exception text;
create index detection_exception on detection (exception, decided_ms) where exception is not null;
create index detection_detector on detection (detector, decided_ms);

create table case_member (
  case_id text collate "C" not null,
  detection_id text collate "C" not null,
  primary key (case_id, detection_id)
);
create index case_member_detection on case_member (detection_id);
-- What was found before: by agent and session, as cases were put together until now.
insert into case_member (case_id, detection_id)
  select c.id, d.id from case_record c join detection d on d.agent = c.agent
    and d.tenant = c.tenant and d.session is not distinct from c.session;

alter table case_record add column state text not null default 'open';
alter table case_record add column folded_into text;
comment on column case_record.state is 'open, resolved (quiet for an hour) or folded (a fleet case tells it)';
update case_record set body = body || jsonb_build_object('state', 'open', 'maturity', 'alert',
  'folds', '[]'::jsonb, 'reopened', 0, 'foldedInto', null, 'risk', 0);

create table case_chain (
  case_id text collate "C" primary key,
  body jsonb not null
);

create table announcement (
  id text collate "C" primary key,
  lane int not null,
  case_id text not null,
  why text not null,
  level text not null,
  detector text,
  time_ms bigint not null,
  body jsonb not null
);
create index announcement_time on announcement (time_ms desc, id);
create index announcement_case on announcement (case_id, time_ms);

-- Every word that was said, in order; the last of an analyst on a detection is the one that counts.
create table verdict (
  ord bigint generated always as identity primary key,
  detection_id text collate "C" not null,
  detector text not null,
  version text not null,
  verdict text not null,
  analyst text not null,
  note text not null,
  at_ms bigint not null
);
create index verdict_detection on verdict (detection_id, ord);
create index verdict_detector on verdict (detector, at_ms);
create view verdict_current as
  select distinct on (detection_id, analyst) ord, detection_id, detector, version, verdict, analyst,
    note, at_ms
  from verdict order by detection_id, analyst, ord desc;

create table demotion (
  detector text not null,
  version text not null,
  stands boolean not null,
  detection_id text,
  by_whom text not null,
  reason text not null,
  time_ms bigint not null,
  primary key (detector, version)
);

-- Live units: sessions of a role that were closed, and how many there were when a version began.
create table role_units (
  role text primary key,
  units bigint not null
);
create table detector_live (
  detector text not null,
  version text not null,
  since_ms bigint not null,
  units_before jsonb not null,
  primary key (detector, version)
);

-- Open while one of its detections stands: neither retracted nor judged to be nothing.
create or replace view case_listed as
  select c.id, c.level, c.tenant, c.agent, c.session, c.opened_ms, c.last_ms, c.body,
    exists (select 1 from case_member m join detection d on d.id = m.detection_id
      where m.case_id = c.id and not d.retracted and not exists (
        select 1 from verdict_current v where v.detection_id = d.id
          and v.verdict in ('false_positive', 'benign_true_positive'))) as open,
    (select count(*) from lease l where l.case_id = c.id
      and l.state in ('requested', 'accepted', 'releasing')) as standing,
    c.state, c.folded_into
  from case_record c;
