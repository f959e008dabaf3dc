//! By what people are known, and what becomes of their profiles' fields, as people say (`docs/configuration.md` §8, §9).

use tideline_model::rules::{
    IdentificationPoint, Mapping as Operations, MappingOperation, Merging, ProfileOperation,
};

use super::RuleProblem;
use super::mapping::Mapping;
use crate::identity::{Line, Point, PointField, Strategy};
use crate::paths::Path;

/// The most fields of a point.
const MAX_FIELDS: usize = 10;

/// The point, and the mapping that keeps what events tell of its fields.
pub(super) fn compile(id: &str, settings: &IdentificationPoint) -> Result<(Point, Mapping), RuleProblem> {
    if settings.fields.is_empty() || settings.fields.len() > MAX_FIELDS {
        let message = format!("it has {} fields: 1 to {MAX_FIELDS} are possible", settings.fields.len());
        return Err(RuleProblem::new("settings.fields", message));
    }
    let mut fields = Vec::new();
    for (index, written) in settings.fields.iter().enumerate() {
        fields.push(
            field(&written.profile)
                .map_err(|message| RuleProblem::new(format!("settings.fields[{index}].profile"), message))?,
        );
    }
    let operation = |written: &tideline_model::rules::IdentifyingField| MappingOperation {
        operation: ProfileOperation::Equals,
        profile: written.profile.clone(),
        event: Some(written.event.clone()),
        value: None,
        kind: None,
    };
    let operations = settings.fields.iter().map(operation).collect();
    let mapping = Mapping::compile(&Operations { when: settings.when.clone(), operations });
    let mapping = mapping
        .map_err(|problem| RuleProblem { path: problem.path.replace("operations[", "fields["), ..problem })?;
    Ok((Point { id: id.to_owned(), fields }, mapping))
}

/// What some fields become when profiles are merged.
pub(super) fn merging(settings: &Merging) -> Result<Line, RuleProblem> {
    field(&settings.field).map_err(|message| RuleProblem::new("settings.field", message))?;
    Ok(Line::new(&settings.field, Strategy::Of(settings.strategy)))
}

fn field(path: &str) -> Result<PointField, String> {
    if let Some(below) = path.strip_prefix("data.") {
        return Path::checked(below).map(PointField::Data);
    }
    if let Some(below) = path.strip_prefix("traits.") {
        return Path::checked(below).map(PointField::Traits);
    }
    Err(format!("`{path}` is no field below `data` or `traits`"))
}
