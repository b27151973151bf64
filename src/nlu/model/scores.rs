//! What a forward pass computes: apart from what loads a model, so that `packed` does not depend on that.

/// Logits of one text: those of each head, in the order of the heads.
pub(crate) type Scores = Vec<Vec<f32>>;
