//! Sentences about photos, documents and recordings that a customer sent.

use super::Language::{self, Arabic, English, Hindi, Hinglish, Portuguese, Spanish};
use crate::domain::inbound::Media;

/// Something that shows what happened has arrived; of several, or of several kinds, `only` is none.
pub fn thanks(language: Language, only: Option<Media>) -> &'static str {
    match (language, only) {
        (English, Some(Media::Image)) => "Thank you, the photo is with the case.",
        (English, Some(Media::Video)) => "Thank you, the video is with the case.",
        (English, Some(_)) => "Thank you, the document is with the case.",
        (English, None) => "Thank you, what you sent is with the case.",
        (Hinglish, Some(Media::Image)) => "Dhanyavaad, photo aapke case ke saath jod di gayi hai.",
        (Hinglish, Some(Media::Video)) => "Dhanyavaad, video aapke case ke saath jod diya gaya hai.",
        (Hinglish, Some(_)) => "Dhanyavaad, document aapke case ke saath jod diya gaya hai.",
        (Hinglish, None) => "Dhanyavaad, jo aapne bheja woh aapke case ke saath jod diya gaya hai.",
        (Hindi, Some(Media::Image)) => "धन्यवाद, फ़ोटो आपके मामले के साथ जोड़ दी गई है।",
        (Hindi, Some(Media::Video)) => "धन्यवाद, वीडियो आपके मामले के साथ जोड़ दिया गया है।",
        (Hindi, Some(_)) => "धन्यवाद, दस्तावेज़ आपके मामले के साथ जोड़ दिया गया है।",
        (Hindi, None) => "धन्यवाद, आपने जो भेजा वह आपके मामले के साथ जोड़ दिया गया है।",
        (Spanish, Some(Media::Image)) => "Gracias, la foto quedó junto a su caso.",
        (Spanish, Some(Media::Video)) => "Gracias, el video quedó junto a su caso.",
        (Spanish, Some(_)) => "Gracias, el documento quedó junto a su caso.",
        (Spanish, None) => "Gracias, lo que envió quedó junto a su caso.",
        (Portuguese, Some(Media::Image)) => "Obrigado, a foto está junto do seu caso.",
        (Portuguese, Some(Media::Video)) => "Obrigado, o vídeo está junto do seu caso.",
        (Portuguese, Some(_)) => "Obrigado, o documento está junto do seu caso.",
        (Portuguese, None) => "Obrigado, o que você enviou está junto do seu caso.",
        (Arabic, Some(Media::Image)) => "شكرًا، تمت إضافة الصورة إلى ملف الحالة.",
        (Arabic, Some(Media::Video)) => "شكرًا، تمت إضافة الفيديو إلى ملف الحالة.",
        (Arabic, Some(_)) => "شكرًا، تمت إضافة المستند إلى ملف الحالة.",
        (Arabic, None) => "شكرًا، تمت إضافة ما أُرسل إلى ملف الحالة.",
    }
}

/// Asks what is wished, of what was sent without a word.
pub fn what_is_it_about(language: Language) -> &'static str {
    match language {
        English => "What is it about? Please write me what happened, with the order id if you have it.",
        Hinglish => "Yeh kis baare mein hai? Kripya likhkar batayein ki kya hua, aur agar order id hai to woh bhi.",
        Hindi => "यह किस बारे में है? कृपया लिखकर बताएँ कि क्या हुआ, और अगर ऑर्डर आईडी है तो वह भी।",
        Spanish => "¿De qué se trata? Escríbame qué pasó, por favor, con el número de pedido si lo tiene.",
        Portuguese => "Do que se trata? Escreva o que aconteceu, por favor, com o número do pedido, se você tiver.",
        Arabic => "بماذا يتعلق ذلك؟ يرجى كتابة ما حدث، مع رقم الطلب إن كان متوفرًا.",
    }
}

/// Nobody here can hear a recording: a person does.
pub fn a_person_listens(language: Language) -> &'static str {
    match language {
        English => {
            "Thank you for your voice message. I can't listen to it myself, so a member of our team will, and will reply here."
        }
        Hinglish => {
            "Aapke voice message ke liye dhanyavaad. Main use khud nahi sun sakta, isliye hamari team ke ek member use sunenge aur yahin jawab denge."
        }
        Hindi => "आपके वॉइस मैसेज के लिए धन्यवाद। मैं उसे ख़ुद नहीं सुन सकता, इसलिए हमारी टीम के एक सदस्य उसे सुनेंगे और यहीं जवाब देंगे।",
        Spanish => {
            "Gracias por su mensaje de voz. Yo no puedo escucharlo, así que lo escuchará una persona de nuestro equipo y le responderá aquí."
        }
        Portuguese => {
            "Obrigado pela sua mensagem de voz. Eu não consigo ouvi-la, então uma pessoa da nossa equipe vai ouvir e responder aqui."
        }
        Arabic => "شكرًا على الرسالة الصوتية. لا أستطيع سماعها بنفسي، لذلك سيستمع إليها أحد أعضاء فريقنا ويرد هنا.",
    }
}

/// An order from the catalogue is a person's to take up.
pub fn a_person_takes_the_order(language: Language) -> &'static str {
    match language {
        English => "Thank you for your order. A member of our team takes it up and replies here.",
        Hinglish => "Aapke order ke liye dhanyavaad. Hamari team ke ek member ise dekhenge aur yahin jawab denge.",
        Hindi => "आपके ऑर्डर के लिए धन्यवाद। हमारी टीम के एक सदस्य इसे देखेंगे और यहीं जवाब देंगे।",
        Spanish => "Gracias por su pedido. Una persona de nuestro equipo lo tomará y le responderá aquí.",
        Portuguese => "Obrigado pelo seu pedido. Uma pessoa da nossa equipe vai cuidar dele e responder aqui.",
        Arabic => "شكرًا على طلبكم. سيتولاه أحد أعضاء فريقنا ويرد هنا.",
    }
}

/// What was filled into a form is a person's to read.
pub fn a_person_reads_the_form(language: Language) -> &'static str {
    match language {
        English => "Thank you for filling in the form. A member of our team reads it and replies here.",
        Hinglish => "Form bharne ke liye dhanyavaad. Hamari team ke ek member ise padhenge aur yahin jawab denge.",
        Hindi => "फ़ॉर्म भरने के लिए धन्यवाद। हमारी टीम के एक सदस्य इसे पढ़ेंगे और यहीं जवाब देंगे।",
        Spanish => "Gracias por completar el formulario. Una persona de nuestro equipo lo leerá y le responderá aquí.",
        Portuguese => "Obrigado por preencher o formulário. Uma pessoa da nossa equipe vai lê-lo e responder aqui.",
        Arabic => "شكرًا على تعبئة النموذج. سيقرؤه أحد أعضاء فريقنا ويرد هنا.",
    }
}

/// A place on the map that has no address: its coordinates, with what they are.
pub fn map_position(language: Language, position: &str) -> String {
    let label = match language {
        English => "map position",
        Hinglish => "map par jagah",
        Hindi => "नक़्शे पर जगह",
        Spanish => "posición en el mapa",
        Portuguese => "posição no mapa",
        Arabic => "الموقع على الخريطة",
    };
    format!("{label} {position}")
}

/// What is wrong has to be seen first: all that came, so that also what is missing can be seen.
pub fn ask_for_photo(language: Language) -> &'static str {
    match language {
        English => {
            "Please send me a photo of everything that came first, so that what is wrong or missing can be seen; then I can go on."
        }
        Hinglish => {
            "Kripya pehle jo kuch aaya hai us sab ki ek photo bhejein, taaki jo kharab ya kam hai woh dikhe; phir main aage badh sakta hoon."
        }
        Hindi => "कृपया पहले जो कुछ आया है उस सब की एक फ़ोटो भेजें, ताकि जो ख़राब या कम है वह दिखे; फिर मैं आगे बढ़ सकता हूँ।",
        Spanish => {
            "Envíeme primero una foto de todo lo que llegó, por favor, para que se vea lo que está mal o falta; después puedo continuar."
        }
        Portuguese => {
            "Envie primeiro uma foto de tudo o que chegou, por favor, para que se veja o que está errado ou falta; depois posso continuar."
        }
        Arabic => "يرجى أولًا إرسال صورة لكل ما وصل، ليظهر ما به مشكلة أو ما ينقص، وبعدها يمكنني المتابعة.",
    }
}
