//! Uploads what the team sends: a file goes to the Graph API first, and the message names it.

/// Where the contents of files lie, by their digests. Blocks.
pub type FileSource = std::sync::Arc<dyn Fn(&str) -> std::io::Result<Option<Vec<u8>>> + Send + Sync>;

/// The form that uploads a content: its type, and its bytes. A form of its own, since reqwest's brings a table of all types along.
pub(super) fn form(mime: &str, name: &str, content: &[u8]) -> (String, Vec<u8>) {
    let boundary = format!("ecomres-{:032x}", rand::random::<u128>());
    let mut body = Vec::with_capacity(content.len() + 512);
    for (field, value) in [("messaging_product", "whatsapp"), ("type", mime)] {
        let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    // Nothing in a name ends the header.
    let name: String = name.chars().map(|c| if c.is_control() || matches!(c, '"' | '\\') { '_' } else { c }).collect();
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {mime}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_no_header() {
        let (kind, body) = form("image/png", "a\"\r\nX: y.png", b"\x89PNG");
        let text = String::from_utf8_lossy(&body);
        assert!(kind.starts_with("multipart/form-data; boundary=ecomres-"));
        assert!(text.contains("filename=\"a___X: y.png\"\r\nContent-Type: image/png\r\n\r\n"), "{text}");
        assert!(text.contains("name=\"messaging_product\"\r\n\r\nwhatsapp\r\n") && text.ends_with("--\r\n"));
    }
}
