-- Distributes the tables of users by their owner, as a cluster does: each statement has to find one of the partitions.
do $$
declare
  name text;
  definition text;
  definitions text[];
begin
  foreach name in array array['user_revisions', 'task_labels', 'tasks', 'lists', 'labels', 'idempotency_keys'] loop
    -- Constraints first: foreign keys name keys, and come when all tables are distributed.
    definitions := definitions || array(
      select format('alter table %I add constraint %I %s', name, conname, pg_get_constraintdef(oid))
      from pg_constraint where conrelid = name::regclass and contype in ('p', 'u', 'f') order by contype desc);
    definitions := definitions || array(
      select pg_get_indexdef(indexrelid) from pg_index
      where indrelid = name::regclass and not exists (select from pg_constraint where conindid = indexrelid));
    execute format('alter table %I rename to whole', name);
    execute format(
      'create table %I (like whole including all excluding indexes) partition by hash (owner_id)', name);
    for part in 0 .. 3 loop
      execute format('create table %I partition of %I for values with (modulus 4, remainder %s)',
        name || '_part' || part, name, part);
    end loop;
    drop table whole cascade;
    if name = 'tasks' then
      alter sequence tasks_number_seq1 rename to tasks_number_seq;
    end if;
  end loop;
  foreach definition in array (
    select array_agg(it order by it like '%FOREIGN KEY%', place) from unnest(definitions) with ordinality as t (it, place)
  ) loop
    execute definition;
  end loop;
end
$$;
