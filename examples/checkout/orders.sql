create table orders (id text primary key, customer text not null, sku text not null, pieces int not null);
