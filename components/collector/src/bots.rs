//! Which user agents say that they are robots.

/// Words that are part of a robot's name wherever they stand.
const PARTS: [&str; 3] = ["crawler", "crawling", "spider"];

/// Names of robots that no rule tells.
const NAMES: [&str; 5] = ["slurp", "facebookexternalhit", "bingpreview", "mediapartners", "archiver"];

/// A maker of telephones.
const NO_BOT: &str = "cubot";

/// Whether this is the user agent of a robot that says so: one of its words ends in `bot` or is known as a robot's name.
/// Programs that people call by hand, as curl, are none.
pub(crate) fn is_bot(user_agent: &str) -> bool {
    let text = user_agent.to_ascii_lowercase();
    let is_name = |word: &str| NAMES.contains(&word) || (word.ends_with("bot") && word != NO_BOT);
    PARTS.iter().any(|part| text.contains(part))
        || text.split(|at: char| !at.is_ascii_alphanumeric()).any(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robots_are_told_from_people_and_programs() {
        for bot in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
            "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
            "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
            "Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "GPTBot/1.2",
        ] {
            assert!(is_bot(bot), "{bot}");
        }
        for none in [
            "",
            "curl/8.5.0",
            "python-requests/2.31",
            "Mozilla/5.0 (X11; Linux x86_64; rv:124.0) Gecko/20100101 Firefox/124.0",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/130.0 Safari/537.36",
            "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/90.0 Mobile Safari/537.36",
        ] {
            assert!(!is_bot(none), "{none}");
        }
    }
}
