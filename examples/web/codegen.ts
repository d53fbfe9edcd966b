// Types of the variables and results of the documents in src/api/documents.ts. They are types alone, so that `vite build`
// needs none of this.
import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: ["src/api/documents.ts"],
  generates: {
    "src/api/documents.types.ts": {
      plugins: ["typescript-operations"],
      config: {
        strictScalars: true,
        scalars: { ID: "string", BigInt: "number", DateTime: "string", Date: "string" },
        skipTypename: false,
      },
    },
  },
};
export default config;
