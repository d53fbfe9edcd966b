"""A client that openapi-python-client makes from openapi.json: it signs up, makes a task and lists it. Needs a running
Docket at the URL that is its argument."""

import sys
import time

from docket_client import AuthenticatedClient, Client
from docket_client.api.compat import register
from docket_client.api.tasks import create_task, delete_task, get_statistics, list_tasks, update_task
from docket_client.models import HTTPValidationError, NewTask, RegisterJsonBody, TaskChanges

base = sys.argv[1]
body = RegisterJsonBody(email=f"generated-{time.time_ns()}@example.com", password="correct-horse-1", name="Ann")
answer = register.sync(client=Client(base_url=base), body=body)
client = AuthenticatedClient(base_url=base, token=answer.access_token, raise_on_unexpected_status=True)
task = create_task.sync(answer.user.id, client=client, body=NewTask(title="water", tags=["home"]))
# Sent twice and done once, changed only as long as nobody else does, and refused with the place of each problem.
once = {"client": client, "body": NewTask(title="feed"), "idempotency_key": f"key-{time.time_ns()}"}
first = create_task.sync_detailed(answer.user.id, **once)
assert create_task.sync(answer.user.id, **once) == first.parsed
change = {"client": client, "body": TaskChanges(completed=True), "if_match": first.headers["etag"]}
assert update_task.sync(answer.user.id, first.parsed.id, **change).completed
assert update_task.sync_detailed(answer.user.id, first.parsed.id, **change).status_code == 412
invalid = create_task.sync(answer.user.id, client=client, body=NewTask(title=""))
assert isinstance(invalid, HTTPValidationError) and invalid.detail[0].loc == ["body", "title"], invalid
assert delete_task.sync_detailed(answer.user.id, first.parsed.id, client=client).status_code == 204
assert list_tasks.sync(answer.user.id, client=client) == [task], task
assert get_statistics.sync(answer.user.id, client=client).by_priority.medium == 1
refused = list_tasks.sync_detailed(answer.user.id, client=AuthenticatedClient(base_url=base, token="a.b.c"))
assert refused.status_code == 401, refused
print("a Python client listed", task.title)
