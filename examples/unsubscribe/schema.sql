-- the profiles' database
create table profile (customer bigint primary key, name text not null);
insert into profile values (1, 'Ada'), (2, 'Bob');
-- the contracts' database
create table contract (customer bigint not null, what text not null, ended timestamptz);
insert into contract values (1, 'news', null), (2, 'news', null);
-- the bills' database
create table account (customer bigint primary key, owes bigint not null, closed boolean not null default false);
insert into account values (1, 0), (2, 20);
