// All that the app asks Docket for. Codegen makes the types from the texts: `npm run generate`.
import { gql } from "urql";
import type {
  MoveListMutation, MoveListMutationVariables, MoveTaskMutation, MoveTaskMutationVariables, PullQuery, PullQueryVariables,
  PushMutation, PushMutationVariables, RestoreListMutation, RestoreListMutationVariables, RestoreTaskMutation,
  RestoreTaskMutationVariables, TrashQuery, TrashQueryVariables,
} from "./documents.types";

const ROW = /* GraphQL */ `
  fragment Row on ChangedNode {
    ... on Task {
      id revision title description completed completedAt priority dueDate dueAt dueTimeZone listId parentId labelIds position createdAt
    }
    ... on TaskList { id revision name color archived position }
    ... on Label { id revision name color }
  }
`;

/** Everything after a sync token, a page at a time; without a token everything there is. */
export const PULL = gql<PullQuery, PullQueryVariables>(/* GraphQL */ `
  query Pull($after: String) {
    me { id }
    changes(after: $after, first: 500) {
      changes { nodeId kind deleted revision node { ...Row } }
      syncToken
      hasMore
    }
  }
  ${ROW}
`);

/** The same as it happens. A text, because graphql-ws sends texts. */
export const STREAM = /* GraphQL */ `
  subscription Stream($after: String) {
    changes(after: $after) { nodeId kind deleted revision syncToken node { ...Row } }
  }
  ${ROW}
`;

/** What was changed here: one answer for each row, conflicts among them as data. */
export const PUSH = gql<PushMutation, PushMutationVariables>(/* GraphQL */ `
  mutation Push($changes: [PushedChange!]!) {
    pushChanges(input: { changes: $changes }) {
      results { id status revision deleted nameTakenBy problems { field message } current { ...Row } }
    }
  }
  ${ROW}
`);

/** The manual order is not part of a pushed state. */
export const MOVE_TASK = gql<MoveTaskMutation, MoveTaskMutationVariables>(/* GraphQL */ `
  mutation MoveTask($id: ID!, $position: PositionInput!) {
    moveTask(input: { id: $id, position: $position }) { task { ...Row } }
  }
  ${ROW}
`);

export const MOVE_LIST = gql<MoveListMutation, MoveListMutationVariables>(/* GraphQL */ `
  mutation MoveList($id: ID!, $position: PositionInput!) {
    moveTaskList(input: { id: $id, position: $position }) { taskList { ...Row } }
  }
  ${ROW}
`);

/** The trash is the server's alone: the copy keeps no deleted tasks. */
export const TRASH = gql<TrashQuery, TrashQueryVariables>(/* GraphQL */ `
  query Trash($after: String) {
    deletedTasks(first: 50, after: $after) {
      nodes { id title deletedAt parentId }
      pageInfo { endCursor hasNextPage }
    }
    deletedTaskLists { id name deletedAt }
  }
`);

export const RESTORE_TASK = gql<RestoreTaskMutation, RestoreTaskMutationVariables>(/* GraphQL */ `
  mutation RestoreTask($id: ID!) { restoreTask(input: { id: $id }) { revision } }
`);

export const RESTORE_LIST = gql<RestoreListMutation, RestoreListMutationVariables>(/* GraphQL */ `
  mutation RestoreList($id: ID!) { restoreTaskList(input: { id: $id }) { revision } }
`);
