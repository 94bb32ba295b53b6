-- The signed record: checkpoints over the heads of all lanes, what was pruned behind one of them, and
-- what agents were: their changes, grants and sessions, as governance told them. Texts that are keys
-- are bounded to 512 characters by the code.

-- Each names the hash of the one before; body is canonical JSON, and what is signed.
create table journal_checkpoint (
  n bigint primary key,
  type text not null,
  at_ms bigint not null,
  key_id text not null,
  in_force text not null,
  body text not null,
  hash text not null,
  signature text not null
);
comment on column journal_checkpoint.in_force is 'key that signs the next one';
create trigger checkpoint_append_only
  before update or delete or truncate on journal_checkpoint
  for each statement execute function refuse_journal_change();

-- Entries of a lane up to n are, or are being, removed; the checkpoint is the signed record of that.
create table journal_pruned (
  lane int primary key,
  n bigint not null,
  hash text not null,
  checkpoint bigint not null references journal_checkpoint (n)
);

-- Until now nothing could be removed; now what a signed record covers can, and nothing else.
drop trigger journal_append_only on journal;
create trigger journal_append_only
  before update or truncate on journal
  for each statement execute function refuse_journal_change();
create function refuse_journal_removal() returns trigger language plpgsql as $$
begin
  if exists (select 1 from journal_pruned p where p.lane = old.lane and p.n >= old.n) then
    return old;
  end if;
  raise exception 'the journal is append-only: no signed record covers the removal of entry % of lane %',
    old.n, old.lane using errcode = 'restrict_violation';
end $$;
create trigger journal_removal
  before delete on journal
  for each row execute function refuse_journal_removal();

-- Grant sets by their digest: most agents of a role share one.
create table grant_set (
  key text collate "C" primary key,
  tools jsonb not null
);

-- What governance said of an agent, and how it stood afterwards.
create table agent_change (
  ord bigint generated always as identity unique,
  id text collate "C" primary key,
  lane int not null,
  tenant text not null,
  agent text not null,
  session text,
  time_ms bigint not null,
  change text not null,
  late boolean not null,
  grants text,
  body text not null
);
comment on column agent_change.grants is 'key of its grant set afterwards; null: governance never listed its tools';
comment on column agent_change.body is 'canonical JSON; the journal holds its digest';
create index agent_change_agent on agent_change (agent, time_ms, ord);

create table agent_session (
  key text collate "C" primary key,
  tenant text not null,
  session text not null,
  agent text not null,
  opened_ms bigint not null,
  closed_ms bigint,
  parent text,
  principal text,
  body jsonb not null
);
comment on column agent_session.key is 'digest of tenant and session';
create index agent_session_agent on agent_session (agent, opened_ms);
create index agent_session_opened on agent_session (opened_ms);

-- What was let go of: before this time the history of the agent is not whole.
create table agent_history_cut (
  key text collate "C" primary key,
  tenant text not null,
  agent text not null,
  before_ms bigint not null,
  dropped bigint not null
);

-- What was in force for a subject, and until when; versions keep only their last time in force.
create table baseline_in_force (
  ord bigint generated always as identity primary key,
  level text not null,
  subject text not null,
  hash text collate "C" not null,
  from_ms bigint not null,
  to_ms bigint
);
create index baseline_in_force_subject on baseline_in_force (subject, from_ms);
insert into baseline_in_force (level, subject, hash, from_ms, to_ms)
  select level, subject, hash, in_force_ms, ended_ms from baseline_version
  where in_force_ms is not null order by ord;

-- Settings that decide how far a role may be acted upon, each time a daemon began with others.
create table settings_in_force (
  ord bigint generated always as identity primary key,
  at_ms bigint not null,
  digest text not null,
  body text not null
);

-- What a decision was made of: canonical JSON; the journal holds its digest.
alter table decision add column inputs text;
-- Few of the entries: those that hold the digests of a decision and of its detection, by their time.
create index journal_decided on journal (at_ms) where kind in ('decision', 'detection');
create index decision_time on decision (time_ms, id);
