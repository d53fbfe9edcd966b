// What the Relay example asks; relay-compiler makes a typed artifact of each, which the example imports.
import { graphql } from "relay-runtime";

graphql`
  query documentsListQuery($first: Int!, $after: String) {
    syncToken
    tasks(first: $first, after: $after) {
      totalCount
      edges {
        cursor
        node {
          id
          title
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;

graphql`
  mutation documentsCreateMutation($input: CreateTaskInput!) {
    createTask(input: $input) {
      task {
        id
        title
      }
    }
  }
`;

graphql`
  mutation documentsUpdateMutation($input: UpdateTaskInput!) {
    updateTask(input: $input) {
      task {
        id
        title
        revision
      }
    }
  }
`;

graphql`
  subscription documentsChangesSubscription($after: String) {
    changes(after: $after) {
      syncToken
      node {
        __typename
        ... on Task {
          id
          title
        }
      }
    }
  }
`;

graphql`
  query documentsNodeQuery($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Task {
        title
      }
    }
  }
`;
