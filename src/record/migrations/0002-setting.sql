-- Values the deployment makes once and keeps: the key of argument digests.
create table setting (
  name text primary key,
  value text not null,
  made_at timestamptz not null default now()
);
