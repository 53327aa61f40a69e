//! `history` as a user runs it, on records made of Criterion's files.

use std::fs;

use crate::workshop::Workshop;

#[test]
fn records_are_listed_over_time_and_drawn() {
    let shop = Workshop::new();
    for (record, ns) in [("a", 2e6), ("b", 3e6)] {
        shop.bench("tools/key", "new", ns);
        assert_eq!(shop.run(&["baseline", "save", record]).code, 0);
    }
    let shown = shop.run(&["history", "embedded", "--svg", "h.svg"]).out;
    assert_eq!(
        shown,
        "embedded: 2 records, a to b\ntools/key  2.00 ms to 3.00 ms (+50.0 %); 2 of 30 points for change points\n"
    );
    let svg = fs::read_to_string(shop.path("h.svg")).unwrap();
    assert!(svg.contains(">tools/key</text>") && svg.contains("<polyline"), "{svg}");

    let unknown = shop.run(&["history", "other"]);
    assert_eq!(unknown.code, 2);
    let told = "no record of target 'other' in 'baselines'; there are records of embedded";
    assert!(unknown.error.contains(told), "{}", unknown.error);
}
