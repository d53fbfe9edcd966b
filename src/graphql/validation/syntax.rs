//! Syntax that the compiler's parser lets pass: in arguments and input objects it drops a name that has no value.

use apollo_parser::{Parser, SyntaxKind, cst::CstNode};
use async_graphql::{Pos, ServerError};

use super::outcome::DocumentErrorKind;
use crate::graphql::errors;

/// The first name that has no value (GraphQL, 2.7 and 2.10.8), in a text that was parsed.
pub(super) fn fault(text: &str) -> Option<ServerError> {
    let tree = Parser::new(text).parse();
    let mut nodes = tree.document().syntax().descendants();
    let loose = nodes.find(|node| {
        matches!(node.kind(), SyntaxKind::ARGUMENT | SyntaxKind::OBJECT_FIELD)
            && !node.children_with_tokens().any(|it| it.kind() == SyntaxKind::COLON)
    })?;
    let before = text.get(..loose.text_range().start().into())?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    let place = Pos { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 };
    let error = errors::error(DocumentErrorKind::Unparsed.code(), "expected a `:` and a value after the name");
    Some(ServerError { locations: vec![place], ..error })
}
