//! Datasets whose value a node takes.

use std::fmt;

use super::data::{Data, DataType};

/// A dataset that a node takes by value: what [`Data::take`] makes.
pub struct Taken<T: DataType + ?Sized> {
    data: Data<T>,
}

impl<T: DataType<Owned: Clone> + ?Sized> Data<T> {
    /// Has a node take the value instead of a reference: `Vec<Row>` for `[Row]`,
    /// `String` for `str`.
    ///
    /// The value is moved, without a copy, where the node is the one that reads
    /// the dataset and neither the catalog (in memory, or as a parameter) nor an
    /// attempt that may follow needs it again; and with several readers also by
    /// the last one, if the others are done with it. In all other cases it is
    /// cloned, once for each node that takes it.
    ///
    /// ```
    /// use entourage::{Catalog, Data, Pipeline, RunOptions, SequentialRunner, node};
    ///
    /// const WORDS: Data<[String]> = Data::memory("words");
    /// const SORTED: Data<[String]> = Data::memory("sorted");
    ///
    /// fn sort(mut words: Vec<String>) -> Vec<String> {
    ///     words.sort();
    ///     words
    /// }
    ///
    /// let pipeline = Pipeline::new([node(sort).reads(WORDS.take()).writes(SORTED)])?;
    /// let catalog = Catalog::builder().value(&WORDS, vec!["b".into(), "a".into()]).build()?;
    /// let mut report = SequentialRunner::new().run(&pipeline, &catalog, RunOptions::new())?;
    /// assert_eq!(report.take_output(&SORTED).unwrap(), ["a", "b"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn take(self) -> Taken<T> {
        Taken { data: self }
    }
}

impl<T: DataType + ?Sized> Taken<T> {
    /// The dataset.
    pub fn data(&self) -> &Data<T> {
        &self.data
    }
}

impl<T: DataType + ?Sized> Clone for Taken<T> {
    fn clone(&self) -> Self {
        Self { data: self.data.clone() }
    }
}

impl<T: DataType + ?Sized> fmt::Debug for Taken<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Taken").field(&self.data).finish()
    }
}
