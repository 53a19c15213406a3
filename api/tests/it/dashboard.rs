//! Files of the dashboard: compressed where both sides can, kept by browsers as long as they hold.

use crate::house::{Answer, House, answer};

const NAMES: [(&str, &str); 5] = [
    (
        "index.html",
        "<html><script nonce=\"__CSP_NONCE__\" src=\"/assets/app-1a2b.js\"></script></html>",
    ),
    ("assets/app-1a2b.js", "plain"),
    ("assets/app-1a2b.js.br", "brotli"),
    ("assets/app-1a2b.js.gz", "gzip"),
    ("favicon.svg", "<svg/>"),
];

struct Site {
    house: House,
    _folder: tempfile::TempDir,
}

impl Site {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("assets")).expect("a folder");
        for (name, text) in NAMES {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        std::fs::write(folder.path().join(".secret"), "no").expect("a file");
        let house = House::with(|config| config.ui_dir = Some(folder.path().into())).await;
        Self { house, _folder: folder }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.house.request("GET", path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await
    }
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_comes_as_small_as_the_browser_can_read_it_and_for_good() {
    let site = Site::new().await;
    let cases = [
        (None, "plain", None),
        (Some("identity"), "plain", None),
        (Some("gzip, deflate, br, zstd"), "brotli", Some("br")),
        (Some("gzip"), "gzip", Some("gzip")),
        (Some("GZIP;q=0.5"), "gzip", Some("gzip")),
        (Some("br;q=0, gzip"), "gzip", Some("gzip")),
        (Some("br;q=0.000, gzip; q=0"), "plain", None),
    ];
    for (accepted, text, encoding) in cases {
        let headers: Vec<_> = accepted.map(|value| ("accept-encoding", value)).into_iter().collect();
        let got = site.get("/assets/app-1a2b.js", &headers).await;
        assert_eq!((got.status.as_u16(), got.text.as_str()), (200, text), "{accepted:?}");
        assert_eq!(header(&got, "content-encoding"), encoding, "{accepted:?}");
        assert_eq!(header(&got, "content-type"), Some("text/javascript"), "{accepted:?}");
        assert_eq!(
            header(&got, "cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        assert_eq!(header(&got, "vary"), Some("Accept-Encoding"));
    }
    site.get("/assets/gone-3c4d.js", &[("accept", "text/html")])
        .await
        .problem(404, "no_route");
    for outside in ["/.secret", "/assets/../.secret", "/assets/%2e%2e/.secret"] {
        assert_ne!(
            site.get(outside, &[("accept", "text/html")]).await.text,
            "no",
            "{outside}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_change_is_asked_for_again_and_sent_only_when_it_did() {
    let site = Site::new().await;
    let first = site.get("/favicon.svg", &[]).await;
    assert_eq!((first.status.as_u16(), first.text.as_str()), (200, "<svg/>"));
    assert_eq!(header(&first, "cache-control"), Some("no-cache"));
    let tag = header(&first, "etag").expect("a tag");
    for same in [tag.to_string(), format!("\"other\", W/{tag}"), "*".to_string()] {
        let again = site.get("/favicon.svg", &[("if-none-match", &same)]).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{same}");
        assert_eq!(header(&again, "etag"), Some(tag));
        assert_eq!(header(&again, "cache-control"), Some("no-cache"));
    }
    let other = site.get("/favicon.svg", &[("if-none-match", "\"other\"")]).await;
    assert_eq!(other.text, "<svg/>");
    // Each encoding is a thing of its own.
    let tag_of = async |encoding: &str| {
        let got = site.get("/assets/app-1a2b.js", &[("accept-encoding", encoding)]).await;
        header(&got, "etag").expect("a tag").to_string()
    };
    assert_ne!(tag_of("br").await, tag_of("gzip").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_new_each_time_and_names_the_version_of_its_server() {
    let site = Site::new().await;
    let nonce = async |path: &str| {
        let page = site.get(path, &[("accept", "text/html")]).await;
        assert_eq!(header(&page, "cache-control"), Some("no-cache"), "{path}");
        assert_eq!(header(&page, "etag"), None, "its nonce is never the same");
        assert_eq!(header(&page, "x-certyard-version"), Some(env!("CARGO_PKG_VERSION")));
        let (_, rest) = page.text.split_once("nonce=\"").expect("a nonce");
        let nonce = rest.split('"').next().expect("its end").to_string();
        let policy = header(&page, "content-security-policy").expect("a policy");
        assert!(policy.contains(&format!("'nonce-{nonce}'")), "{policy}");
        nonce
    };
    let (one, two) = (nonce("/").await, nonce("/clusters/x").await);
    assert!(one.len() >= 24 && one != two);
    let api = site.get("/api/v1/nothing", &[]).await;
    assert_eq!(header(&api, "x-certyard-version"), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(
        header(&api, "strict-transport-security"),
        None,
        "this server has no HTTPS"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_stay_with_https_for_this_host_and_no_other() {
    let house = House::with(|config| config.public_url = Some("https://certyard.example.org".into())).await;
    let page = house.call("GET", "/", None, None).await;
    assert_eq!(page.headers["strict-transport-security"], "max-age=31536000");
}
