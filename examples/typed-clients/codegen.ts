// Types for the documents of the Apollo and urql examples, and the file of trusted documents for Docket.
import type { CodegenConfig } from "@graphql-codegen/cli";

const scalars = { BigInt: "number", DateTime: "string", Date: "string" };

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: ["src/documents.ts"],
  ignoreNoDocuments: false,
  generates: {
    "src/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false },
      config: { strictScalars: true, useTypeImports: true, scalars },
    },
    "src/persisted/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: false, persistedDocuments: true },
      config: { strictScalars: true, useTypeImports: true, scalars },
    },
  },
};
export default config;
