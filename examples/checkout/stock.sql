create table stock (sku varchar(40) primary key, pieces int not null) engine=InnoDB;
