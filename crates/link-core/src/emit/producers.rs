//! The `producers` section: of a link's output it has what the inputs' sections say, each
//! language and tool once.

use wasm_format::Reader;
use wasm_format::producers::{
    FIELD_LANGUAGE, FIELD_PROCESSED_BY, FIELD_SDK, ProducerValue, decode, put_producers,
};

use crate::hash::IndexMap;
use crate::resolve::resolution::Resolution;

/// The contents of the section; empty if no input has one.
///
/// Of two versions of one tool, that of the earlier input stays, as in `wasm-ld`.
pub fn merge(resolution: &Resolution<'_>) -> Vec<u8> {
    let mut fields = [FIELD_LANGUAGE, FIELD_PROCESSED_BY, FIELD_SDK]
        .map(|name| (name, IndexMap::<&str, ProducerValue<'_>>::default()));
    let mut last: &[u8] = &[];
    for object in &resolution.objects {
        // Objects of one library say the same, and stand side by side.
        if std::mem::replace(&mut last, object.producers) == object.producers {
            continue;
        }
        // An object without the section has no bytes; a damaged one was reported when it
        // was read.
        let Ok(list) = decode(Reader::new(object.producers)) else {
            continue;
        };
        for field in list.flatten() {
            let Some((_, merged)) = fields.iter_mut().find(|(name, _)| *name == field.name) else {
                continue;
            };
            for value in field.values.flatten() {
                merged.entry(value.name).or_insert(value);
            }
        }
    }
    let mut out = Vec::new();
    encode(
        &mut out,
        fields.map(|(name, values)| (name, values.into_values())),
    );
    out
}

/// Appends the contents of the section: fields, and the values that each lists. A field
/// without values is left out, and without fields there are no contents.
pub(crate) fn encode<'n, V: Iterator<Item = ProducerValue<'n>>>(
    out: &mut Vec<u8>,
    fields: impl IntoIterator<Item = (&'n str, V)>,
) {
    let fields: Vec<(&str, Vec<ProducerValue<'_>>)> = fields
        .into_iter()
        .map(|(name, values)| (name, values.collect()))
        .collect();
    let fields: Vec<(&str, &[ProducerValue<'_>])> = fields
        .iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| (*name, &values[..]))
        .collect();
    if !fields.is_empty() {
        put_producers(out, &fields);
    }
}
