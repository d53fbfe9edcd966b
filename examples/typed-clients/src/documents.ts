// What the Apollo and urql examples ask; graphql-codegen makes a typed document of each.
import { graphql } from "./gql";

export const ListTasks = graphql(`
  query ListTasks($first: Int!, $after: String, $filter: TaskFilter) {
    syncToken
    tasks(first: $first, after: $after, filter: $filter) {
      totalCount
      edges {
        cursor
        node {
          id
          title
          completed
          priority
          dueDate
          list {
            name
          }
          labels {
            name
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const CreateTask = graphql(`
  mutation CreateTask($input: CreateTaskInput!) {
    createTask(input: $input) {
      task {
        id
        title
        revision
      }
    }
  }
`);

export const UpdateTask = graphql(`
  mutation UpdateTask($input: UpdateTaskInput!) {
    updateTask(input: $input) {
      task {
        id
        title
        description
        revision
      }
    }
  }
`);

export const Changes = graphql(`
  subscription Changes($after: String) {
    changes(after: $after) {
      syncToken
      kind
      deleted
      node {
        __typename
        ... on Task {
          id
          title
        }
      }
    }
  }
`);
