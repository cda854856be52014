create table users (email text primary key, name text not null);
create table letter (email text not null, body text not null);
create table seen (id text primary key, at timestamptz not null default now());
