//! Arrays that a schema accepts: one member where it says what members are, for an empty list seldom asks for anything.

use serde_json::Value;

use super::accepts::schema_of_item;
use super::document::{Object, count, list};
use super::make::{Found, Maker, Place, Why};

/// Members that a schema may ask for.
const MOST: usize = 1_000;

impl<'a> Maker<'a> {
    pub(super) fn arrays(&self, all: &[&'a Object], place: &Place<'a>, found: &mut Found<'_, 'a>) {
        let least = all.iter().filter_map(|map| count(map, "minItems")).max().unwrap_or(0);
        let most = all.iter().filter_map(|map| count(map, "maxItems")).min().unwrap_or(MOST);
        if least > MOST {
            return found.refuse(Why::new(format!("it needs {least} members")));
        }
        let contained = contained(all);
        let places = all.iter().map(|map| places(map)).max().unwrap_or(0);
        let is_said =
            all.iter().any(|map| map.get("items").is_some_and(|items| *items != Value::Bool(false)));
        let likely = (places + contained.len()).max(usize::from(is_said && !place.is_again));
        let likely = likely.max(least).min(most);
        for length in [likely, places.max(least).min(most), least] {
            for variant in 0..found.wanted {
                match self.array(all, length, variant, place) {
                    Ok(items) => found.offer(Value::Array(items)),
                    // A shallower one is not what is wanted if a deeper one can be made.
                    Err(why) if why.is_too_deep && !place.is_again => return found.refuse(why),
                    Err(why) => found.refuse(why),
                }
            }
        }
    }

    fn array(
        &self,
        all: &[&'a Object],
        length: usize,
        variant: usize,
        place: &Place<'a>,
    ) -> Result<Vec<Value>, Why> {
        let is_unique = all.iter().any(|map| map.get("uniqueItems") == Some(&Value::Bool(true)));
        let contained = contained(all);
        let mut items: Vec<Value> = Vec::with_capacity(length);
        for at in 0..length {
            let mut schemas: Vec<&Value> = all.iter().filter_map(|map| schema_of_item(map, at)).collect();
            // Those that must be there come last, behind those that have a place.
            schemas.extend(contained.get(length - 1 - at));
            let wanted = variant + if is_unique { length } else { 1 };
            let values = self.values(&schemas, wanted, &place.below(place.name))?;
            let from = variant % values.len();
            let mut turned = values[from..].iter().chain(&values[..from]);
            let chosen = turned.find(|value| !is_unique || !items.contains(value));
            items.push(
                chosen.cloned().ok_or_else(|| Why::new("uniqueItems: too few different ones were found"))?,
            );
        }
        Ok(items)
    }
}

/// What must be among the members, each as often as it must.
fn contained<'a>(all: &[&'a Object]) -> Vec<&'a Value> {
    let of_map = |map: &&'a Object| {
        let least = count(map, "minContains").unwrap_or(1).min(MOST);
        map.get("contains").into_iter().flat_map(move |schema| std::iter::repeat_n(schema, least))
    };
    all.iter().flat_map(of_map).collect()
}

/// Members that are described each for itself.
fn places(map: &Object) -> usize {
    list(map, "prefixItems").len().max(list(map, "items").len())
}
