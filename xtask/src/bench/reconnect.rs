//! `bench reconnect`: a server's process is replaced under thousands of everbeat's clients. The study of
//! storms plays it, five times; its rows are told here beside the others.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Wanted;
use super::contestants::{Contestant, ours};
use super::figures::Figures;
use super::stage::Theatre;
use crate::runtimes::RUNTIMES;
use crate::sim_storm;

const CLIENTS: u64 = 2_000;
const FEW_CLIENTS: u64 = 400;

pub(super) fn play(
    theatre: &mut Theatre<'_>,
    wanted: &Wanted,
    _: &[Contestant],
    figures: &mut Figures,
) -> Result<()> {
    let clients = wanted.connections(FEW_CLIENTS, CLIENTS).to_string();
    let runs = if wanted.small { "1" } else { "5" };
    let mut study = sim_storm::optimised(theatre.shell)?;
    study.args(["--real", "--clients", &clients, "--runs", runs, "--json"]);
    // Its exit code says what its rows say.
    let said = String::from_utf8(study.output().context("the study of storms")?.stdout)?;
    let object = said.lines().last().context("the study says nothing")?;
    let object = serde_json::from_str::<Value>(object).context("the study says no object")?;
    take(&object, figures)?;
    if object["valid"] != true {
        theatre.fault("reconnect", &anyhow::anyhow!("the machine stalled in too many runs"));
    }
    Ok(())
}

fn take(object: &Value, figures: &mut Figures) -> Result<()> {
    for row in object["rows"].as_array().context("an object without rows")? {
        let mut row = row.clone();
        row["what"] = row["name"].clone();
        row["peer"] = ours(RUNTIMES[0]).into();
        figures.others.push(row);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::Report;

    #[test]
    fn the_studys_rows_are_judged_as_it_did() {
        let code = |met: bool| {
            let mut figures = Figures::default();
            let rows =
                json!([{ "name": "real: peak", "value": 400, "unit": "a second", "met": met }]);
            take(&json!({ "rows": rows }), &mut figures).unwrap();
            let mut report = Report::new("bench");
            figures.judge(&mut report);
            report.code()
        };
        assert_eq!((code(true), code(false)), (0, 1));
        assert!(take(&json!({}), &mut Figures::default()).is_err());
    }
}
