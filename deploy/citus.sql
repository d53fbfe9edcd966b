-- Distributes the tables of users by their owner among the nodes of a Citus cluster (docs/operations.md, "Several nodes").
-- To be run once, on the coordinator, in Docket's database, whose schema is up to date, while no Docket runs:
--
--     psql -v ON_ERROR_STOP=1 -1 -f citus.sql "$DATABASE_URL"

set local citus.multi_shard_modify_mode to 'sequential';

-- On every node: counters of owners refer to it, and each request looks up the number of its owner.
select create_reference_table('owners');

-- All rows of an owner are on one node, so that each statement is sent to one.
select create_distributed_table('user_revisions', 'owner_id', colocate_with => 'none');
select create_distributed_table('tasks', 'owner_id', colocate_with => 'user_revisions');
select create_distributed_table('lists', 'owner_id', colocate_with => 'user_revisions');
select create_distributed_table('labels', 'owner_id', colocate_with => 'user_revisions');
select create_distributed_table('task_labels', 'owner_id', colocate_with => 'user_revisions');
select create_distributed_table('idempotency_keys', 'owner_id', colocate_with => 'user_revisions');

-- Read beside the counter of an owner, hence on every node.
select create_reference_table('database_epochs');

-- What was in the tables before is on the nodes now, and goes from the coordinator.
select truncate_local_data_after_distributing_table('task_labels');
select truncate_local_data_after_distributing_table('tasks');
select truncate_local_data_after_distributing_table('lists');
select truncate_local_data_after_distributing_table('labels');
select truncate_local_data_after_distributing_table('idempotency_keys');
select truncate_local_data_after_distributing_table('user_revisions');
select truncate_local_data_after_distributing_table('owners');
select truncate_local_data_after_distributing_table('database_epochs');

-- Accounts, sessions and what belongs to them stay on the coordinator; the other nodes know where they are.
select citus_add_local_table_to_metadata('"user"', cascade_via_foreign_keys => true);
select citus_add_local_table_to_metadata('verification');
select citus_add_local_table_to_metadata('jwks');
select citus_add_local_table_to_metadata('"rateLimit"');
select citus_add_local_table_to_metadata('seaql_migrations');
