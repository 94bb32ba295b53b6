-- Baselines: frozen documents by their hash, versions of each subject, and learning windows.
-- Subjects are names of agents and roles: bounded to 512 characters by the code, like all keys.

-- Content-addressed: the database itself refuses a document that is not what its hash says.
create table baseline_blob (
  hash text collate "C" primary key,
  bytes bytea not null,
  made_at timestamptz not null default now(),
  constraint blob_is_what_its_hash_says
    check (hash = 'sha256:' || encode(sha256(bytes), 'hex'))
);
create function refuse_blob_change() returns trigger language plpgsql as $$
begin
  raise exception 'baseline documents are immutable' using errcode = 'restrict_violation';
end $$;
create trigger blob_immutable
  before update or delete or truncate on baseline_blob
  for each statement execute function refuse_blob_change();

-- One row a subject, locked by whoever changes what is in force for it.
create table baseline_subject (
  level text not null,
  subject text not null,
  primary key (level, subject)
);

create table learning_window (
  id text collate "C" primary key,
  level text not null,
  subject text not null,
  state text not null,
  opens_ms bigint not null,
  expires_ms bigint not null,
  proposal text,
  body jsonb not null,
  opened_at timestamptz not null default now()
);
comment on column learning_window.body is 'the window as signed; the columns repeat what is searched';
create index learning_window_open on learning_window (expires_ms)
  where state in ('LEARNING', 'CALIBRATING', 'REVIEW');
create index learning_window_opens on learning_window (opens_ms desc);

create table baseline_version (
  ord bigint generated always as identity unique,
  hash text collate "C" primary key references baseline_blob (hash),
  level text not null,
  subject text not null,
  state text not null,
  parent text,
  replaces text,
  anchor text not null,
  window_id text not null references learning_window (id),
  ledger jsonb not null,
  evidence jsonb not null,
  proposed_by text not null,
  proposed_ms bigint not null,
  approved_by text[] not null default '{}',
  -- When people last said yes to it; its age counts from here.
  revalidated_ms bigint,
  in_force_ms bigint,
  ended_ms bigint,
  foreign key (level, subject) references baseline_subject (level, subject)
);
comment on column baseline_version.state is 'proposed, promoted (in force), superseded or rejected';
comment on column baseline_version.replaces is 'what was in force when it was proposed';
comment on column baseline_version.anchor is 'the version the drift ledger is measured from';
create unique index baseline_one_in_force on baseline_version (level, subject)
  where state = 'promoted';
create index baseline_version_subject on baseline_version (level, subject, ord);
