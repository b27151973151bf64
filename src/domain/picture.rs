//! A picture from its pixels alone: no place where it was taken, no other file that hides in it. Pages show it and services look at it
//! so, and in no other way.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits};

/// The largest picture that is decoded, in pixels, and the memory that its decoder may take, in bytes.
const MOST_PIXELS: u64 = 40_000_000;
const MOST_MEMORY: u64 = 256 * 1_024 * 1_024;
/// The quality of photos, of 100.
const QUALITY: u8 = 88;

/// A picture of this type made anew, no side of it longer than so many pixels, and its type. Blocks: it may take a while, and much
/// memory.
///
/// # Errors
/// When it cannot be decoded, or is too large.
pub fn made_anew(mime: &str, content: &[u8], longest_side: u32) -> Result<(&'static str, Vec<u8>), ImageError> {
    let format = ImageFormat::from_mime_type(mime).unwrap_or(ImageFormat::Jpeg);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(content), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(ImageError::Limits(image::error::LimitError::from_kind(
            image::error::LimitErrorKind::DimensionError,
        )));
    }
    // What says how it was held is not in the pixels.
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    if picture.width().max(picture.height()) > longest_side {
        picture = picture.thumbnail(longest_side, longest_side);
    }
    let mut bytes = Vec::new();
    if format == ImageFormat::Jpeg {
        picture.into_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
        return Ok(("image/jpeg", bytes));
    }
    // With its transparent parts.
    picture.into_rgba8().write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
    Ok(("image/png", bytes))
}

/// The same as a JPEG, whatever it was.
///
/// # Errors
/// As [`made_anew`].
pub fn as_jpeg(mime: &str, content: &[u8], longest_side: u32) -> Result<Vec<u8>, ImageError> {
    let (made_as, made) = made_anew(mime, content, longest_side)?;
    if made_as == "image/jpeg" {
        return Ok(made);
    }
    let picture = image::load_from_memory_with_format(&made, ImageFormat::Png)?;
    let mut bytes = Vec::new();
    picture.into_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    fn jpeg() -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = RgbImage::from_pixel(4, 2, image::Rgb([200, 10, 10]));
        picture.write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
        bytes
    }

    #[test]
    fn only_the_pixels_of_a_picture_are_left_held_as_it_was() {
        // Where it was taken, and that it was held sideways.
        let mut exif =
            b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0GPSLatitude 12.9716".to_vec();
        let mut marked = vec![0xFF, 0xD8, 0xFF, 0xE1];
        marked.extend(u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
        marked.append(&mut exif);
        marked.extend_from_slice(&jpeg()[2..]);
        marked.extend_from_slice(b"<script>alert(1)</script>");
        let (mime, made) = made_anew("image/jpeg", &marked, 2_560).unwrap();
        assert_eq!(mime, "image/jpeg");
        for hidden in [&b"GPSLatitude"[..], b"Exif", b"<script>"] {
            assert!(!made.windows(hidden.len()).any(|window| window == hidden));
        }
        let picture = image::load_from_memory(&made).unwrap();
        assert_eq!((picture.width(), picture.height()), (2, 4));
    }

    #[test]
    fn what_is_no_picture_or_too_large_a_one_is_not_decoded() {
        assert!(made_anew("image/png", b"\x89PNG\r\n\x1a\n<html>", 2_560).is_err());
        let mut half = jpeg();
        half.truncate(20);
        assert!(made_anew("image/jpeg", &half, 2_560).is_err());
    }

    #[test]
    fn a_large_picture_is_made_smaller() {
        let mut bytes = Vec::new();
        let picture = RgbImage::from_pixel(400, 100, image::Rgb([200, 10, 10]));
        picture.write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
        let (_, made) = made_anew("image/jpeg", &bytes, 200).unwrap();
        let made = image::load_from_memory(&made).unwrap();
        assert_eq!((made.width(), made.height()), (200, 50));
    }
}
