//! Objects that a schema accepts: the members that it requires, and more only where it wants more.

use serde_json::{Map, Value};

use super::accepts::dependents;
use super::document::{Object, count, members, strings};
use super::make::{Found, Maker, Place, Why};

/// Members that a schema may ask for.
const MOST: usize = 1_000;

impl<'a> Maker<'a> {
    pub(super) fn objects(&self, all: &[&'a Object], place: &Place<'a>, found: &mut Found<'_, 'a>) {
        let made = self.names(all, place).and_then(|names| {
            let of_name = |name: String| {
                let values = self.member(all, &name, found.wanted, place);
                let named = |why: Why| match why.is_too_deep {
                    true => why,
                    false => Why::new(format!("'{name}': {}", why.text)),
                };
                values.map_err(named).map(|values| (name.clone(), values))
            };
            names.into_iter().map(of_name).collect::<Result<Vec<_>, Why>>()
        });
        match made {
            Err(why) => found.refuse(why),
            // Those that are wanted beyond the first differ in all members that can.
            Ok(made) => (0..found.wanted).for_each(|variant| {
                let of = |(name, values): &(String, Vec<Value>)| {
                    (name.clone(), values[variant % values.len()].clone())
                };
                found.offer(Value::Object(made.iter().map(of).collect::<Map<_, _>>()));
            }),
        }
    }

    /// Values of a member, by all that is said of it.
    fn member(
        &self,
        all: &[&'a Object],
        name: &str,
        wanted: usize,
        place: &Place<'a>,
    ) -> Result<Vec<Value>, Why> {
        let schemas: Vec<&Value> =
            all.iter().flat_map(|map| self.document.schemas_of_member(map, name)).collect();
        self.values(&schemas, wanted, &place.below(known(all, name)))
    }

    /// The members that it must have.
    fn names(&self, all: &[&'a Object], place: &Place<'a>) -> Result<Vec<String>, Why> {
        let mut names: Vec<String> = Vec::new();
        let add = |names: &mut Vec<String>, name: &str| {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        };
        all.iter().flat_map(|map| strings(map, "required")).for_each(|name| add(&mut names, name));
        let mut met = 0;
        while met < names.len() {
            let asked = all.iter().flat_map(|map| dependents(map)).filter(|(name, _)| **name == names[met]);
            let asked: Vec<&str> =
                asked.filter_map(|(_, names)| names.as_array()).flatten().filter_map(Value::as_str).collect();
            asked.into_iter().for_each(|name| add(&mut names, name));
            met += 1;
        }
        let least = all.iter().filter_map(|map| count(map, "minProperties")).max().unwrap_or(0);
        if least > MOST {
            return Err(Why::new(format!("it needs {least} members")));
        }
        for name in self.further(all, place, least).into_iter().take(least.saturating_sub(names.len())) {
            add(&mut names, &name);
        }
        Ok(names)
    }

    /// Members that it may have beside those that it must.
    fn further(&self, all: &[&'a Object], place: &Place<'a>, least: usize) -> Vec<String> {
        if least == 0 {
            return Vec::new();
        }
        let required: Vec<&str> = all.iter().flat_map(|map| strings(map, "required")).collect();
        let known = all.iter().flat_map(|map| members(map, "properties")).map(|(name, _)| name.clone());
        let patterns = all.iter().flat_map(|map| members(map, "patternProperties"));
        let patterns = patterns.filter_map(|(pattern, _)| self.document.pattern(pattern).ok());
        let by_pattern = patterns.flat_map(|pattern| pattern.texts(1, 100, least));
        let rules: Vec<&Value> = all.iter().filter_map(|map| map.get("propertyNames")).collect();
        let free = match rules.is_empty() {
            true => (1..=least * 2).map(|n| Value::from(format!("key{n}"))).collect(),
            false => self.values(&rules, least * 2, &place.below("")).unwrap_or_default(),
        };
        let free = free.into_iter().filter_map(|name| name.as_str().map(str::to_owned));
        let is_good = |name: &String| {
            let fits = rules.iter().all(|rule| {
                let name = Value::from(name.as_str());
                self.document.accepts(rule, &name).is_ok()
            });
            fits && !required.contains(&name.as_str()) && self.member(all, name, 1, place).is_ok()
        };
        known.chain(by_pattern).chain(free).filter(is_good).collect()
    }
}

/// The name as the schema has it, which lives as long as that.
fn known<'a>(all: &[&'a Object], name: &str) -> &'a str {
    let required = all.iter().flat_map(|map| strings(map, "required"));
    let properties = all.iter().flat_map(|map| members(map, "properties")).map(|(name, _)| name.as_str());
    required.chain(properties).find(|known| *known == name).unwrap_or_default()
}
