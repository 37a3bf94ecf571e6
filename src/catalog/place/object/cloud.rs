//! The stores of the clouds, each behind a feature.

use super::Store;
use crate::catalog::place::stores::StorageOptions;

/// What the paths of a cloud begin with.
pub(super) const SCHEMES: [&str; 8] = ["s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss"];

pub(super) fn is_known(scheme: &str) -> bool {
    SCHEMES.contains(&scheme)
}

/// Opens the store of a bucket. What the options do not say is taken from the
/// environment, as the cloud's own tools do.
pub(super) fn open(scheme: &str, root: &str, options: &StorageOptions) -> Result<Store, String> {
    match scheme {
        "s3" | "s3a" => aws(root, options),
        "gs" => gcp(root, options),
        _ => azure(root, options),
    }
}

macro_rules! cloud {
    ($open:ident, $feature:literal, $($builder:tt)+) => {
        #[cfg(feature = $feature)]
        fn $open(root: &str, options: &StorageOptions) -> Result<Store, String> {
            let mut builder = object_store::$($builder)+::from_env().with_url(root);
            for (name, value) in options.iter() {
                let option = name.to_ascii_lowercase().parse();
                let option = option
                    .map_err(|_| format!(concat!("no storage option of ", $feature, " is called `{}`"), name))?;
                builder = builder.with_config(option, value);
            }
            match builder.build() {
                Ok(store) => Ok(std::sync::Arc::new(store)),
                Err(error) => Err(error.to_string()),
            }
        }

        #[cfg(not(feature = $feature))]
        fn $open(root: &str, _: &StorageOptions) -> Result<Store, String> {
            let feature = $feature;
            Err(format!(
                "the path leads to `{root}`, and the crate is built without its feature `{feature}`"
            ))
        }
    };
}

cloud!(aws, "aws", aws::AmazonS3Builder);
cloud!(gcp, "gcp", gcp::GoogleCloudStorageBuilder);
cloud!(azure, "azure", azure::MicrosoftAzureBuilder);
