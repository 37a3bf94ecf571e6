//! The model, fitted from sums that are kept on the way.

use nalgebra::{SMatrix, SVector};

/// Sums and products over flights, of the seven regressors and the arrival delay.
#[derive(Default)]
pub(super) struct Moments {
    rows: usize,
    sum: [f64; 8],
    product: [[f64; 8]; 8],
}

impl Moments {
    #[inline(always)]
    pub(super) fn add(&mut self, row: &[f64; 8]) {
        self.rows += 1;
        for i in 0..8 {
            self.sum[i] += row[i];
            for j in 0..8 {
                self.product[i][j] += row[i] * row[j];
            }
        }
    }
}

pub(super) struct Model {
    rows: usize,
    intercept: f64,
    slopes: SVector<f64, 7>,
}

impl Model {
    /// Least squares; `None` where the regressors depend on each other.
    pub(super) fn of(Moments { rows, sum, product }: &Moments) -> Option<Self> {
        let count = *rows as f64;
        let about_means = |i: usize, j: usize| product[i][j] - sum[i] * sum[j] / count;
        let right = SVector::from_fn(|i, _| about_means(i, 7));
        let slopes = SMatrix::<f64, 7, 7>::from_fn(about_means).cholesky()?.solve(&right);
        let explained: f64 = slopes.iter().zip(sum).map(|(slope, sum)| slope * sum).sum();
        Some(Self { rows: *rows, intercept: (sum[7] - explained) / count, slopes })
    }

    pub(super) fn json(&self) -> String {
        const NAMES: [&str; 7] =
            ["dep_delay", "distance", "hour", "temp", "wind_speed", "precip", "visib"];
        let Self { rows, intercept, slopes } = self;
        let slopes = NAMES.iter().zip(slopes).map(|(name, slope)| format!("\"{name}\": {slope}"));
        let slopes = slopes.collect::<Vec<_>>().join(", ");
        format!(
            "{{\"intercept\": {intercept}, \"coefficients\": {{{slopes}}}, \"train_rows\": {rows}}}"
        )
    }

    /// How well it tells the flights that were kept for testing.
    pub(super) fn metrics(&self, test: &[[f64; 8]]) -> String {
        let rows = test.len() as f64;
        let sum = |of: &dyn Fn(&[f64; 8]) -> f64| test.iter().map(of).sum::<f64>();
        let error = |row: &[f64; 8]| {
            let products = self.slopes.iter().zip(row).map(|(slope, value)| slope * value);
            row[7] - self.intercept - products.sum::<f64>()
        };
        let (mean, squares) = (sum(&|row| row[7]) / rows, sum(&|row| error(row).powi(2)));
        let (rmse, mae) = ((squares / rows).sqrt(), sum(&|row| error(row).abs()) / rows);
        let r2 = 1.0 - squares / sum(&|row| (row[7] - mean).powi(2));
        format!("{{\"test_rows\": {rows}, \"rmse\": {rmse}, \"mae\": {mae}, \"r2\": {r2}}}")
    }
}
