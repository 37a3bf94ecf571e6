//! The node that draws: mean departure delay by hour, mean arrival delay by
//! carrier.

use plotters::prelude::*;

use crate::records::{Carrier, Hour};

type DrawError = DrawingAreaErrorKind<<SVGBackend<'static> as DrawingBackend>::ErrorType>;

/// Draws both pictures beside each other.
pub(crate) fn plot_delays(hourly: &[Hour], carriers: &[Carrier]) -> Result<String, DrawError> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (1100, 460)).into_drawing_area();
        root.fill(&WHITE)?;
        let (left, right) = root.split_horizontally(550);
        let hours: Vec<(String, f64)> = hourly
            .iter()
            .filter_map(|hour| Some((hour.hour?.to_string(), hour.mean_dep_delay?)))
            .collect();
        let carriers: Vec<(String, f64)> = carriers
            .iter()
            .filter_map(|carrier| Some((printable(&carrier.carrier), carrier.mean_arr_delay?)))
            .collect();
        bars(&left, "Mean departure delay by scheduled hour", "hour", &hours, &BLUE)?;
        bars(&right, "Mean arrival delay by carrier", "carrier", &carriers, &RED)?;
        root.present()?;
    }
    Ok(svg)
}

/// XML has no way to write a control character.
fn printable(code: &str) -> String {
    code.chars().filter(|c| !c.is_control()).collect()
}

fn bars(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    what: &str,
    bars: &[(String, f64)],
    color: &RGBColor,
) -> Result<(), DrawError> {
    let values = || bars.iter().map(|(_, value)| *value).filter(|value| value.is_finite());
    let lowest = values().fold(0.0, f64::min);
    let highest = values().fold(1.0, f64::max);
    let room = 0.05 * (highest - lowest);
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(50)
        .build_cartesian_2d(
            (0..bars.len().max(1)).into_segmented(),
            lowest - room..highest + room,
        )?;
    let label = |at: &SegmentValue<usize>| match at {
        SegmentValue::CenterOf(at) => {
            bars.get(*at).map_or_else(String::new, |(name, _)| name.clone())
        }
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(bars.len().max(1))
        .x_label_formatter(&label)
        .x_desc(what)
        .y_desc("minutes")
        .draw()?;
    chart.draw_series(bars.iter().enumerate().map(|(at, (_, value))| {
        let corners = [(SegmentValue::Exact(at), 0.0), (SegmentValue::Exact(at + 1), *value)];
        let mut bar = Rectangle::new(corners, color.mix(0.6).filled());
        bar.set_margin(0, 0, 3, 3);
        bar
    }))?;
    Ok(())
}
