//! The words and phrases of six languages that a message is searched for, by what they say.
//!
//! It must never hold a name of an article or a shop: those come from orders and settings.

/// Something that a message can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cue {
    /// Money of the customer.
    Money,
    /// The wish to have something, or for something to be done.
    Wants,
    /// Not.
    Not,
    /// Received, come.
    Came,
    /// Where, when, what became of it.
    Where,
    /// One thing rather than another.
    Preferred,
    /// Where a thing is.
    Place,
    /// What was ordered.
    Order,
    /// The same thing once more, the right one.
    Replacement,
    /// Something is to be sent.
    Send,
    /// Another size or colour in its place.
    Exchange,
    /// Call the order off.
    Cancel,
    /// Leave it as it is.
    Leave,
    /// Not decided yet.
    Thinking,
    /// Not now.
    Later,
    /// After the time.
    Late,
    /// Give it back.
    Return,
    /// Something is as it should be.
    Fine,
    /// All of it.
    Whole,
    /// Both.
    Both,
    /// One of several.
    One,
    /// A part is not there.
    Missing,
    /// It is as ordered, and not liked.
    Disliked,
    /// Something else came.
    Wrong,
    /// Broken, spoiled.
    Damaged,
    /// Said to be delivered.
    Delivered,
    /// A person.
    Person,
    /// Where it is to be brought.
    Address,
    /// When it is to be brought.
    Slot,
    /// Whom to call.
    Phone,
    /// A word to whoever brings it.
    Instructions,
    /// Twice.
    Twice,
    /// A payment that failed.
    Failed,
    /// A code, an offer.
    Coupon,
    /// A bill.
    Invoice,
    /// Repair, guarantee.
    Repair,
    /// Only telling, nothing is wished.
    Telling,
    /// The latest of several orders.
    Latest,
    /// All orders.
    AllOrders,
    /// Thanks.
    Thanks,
    /// How somebody of the shop behaved.
    Conduct,
    /// Whether a machine answers.
    Machine,
    /// Asks what somebody is going to do about it, or to do something now.
    Remedy,
}

/// Phrases, parted by commas. `*` stands for the rest of a word, `..` for up to three words, `#` for a number.
pub(super) const TABLE: &[(Cue, &str)] = &[
    (
        Cue::Money,
        "refund*, money, my money, money back, cash back, # back, # rupees back, have .. back, paid for it back, paisa, paise, paisay, paiso, \
         reembols*, rembols*, reintegr*, dinero, plata, importe, # de vuelta, dinheiro, grana, estorno, estornar, # de volta, valor pago, \
         استرداد*, *استرجاع*, *فلوس*, *مبلغ*, المال, مالي, اموالي, *مصاري*, رد المال, रिफंड*, रिफण्ड*, पैसा, पैसे, पैसों, \
         রিফান্ড, টাকা, રિફંડ, પૈસા, பணம், ரீஃபண்ட், \
         *ثمن*, valor do, valor da, el valor, el abono, mi abono, lo de las, lo de los",
    ),
    (
        Cue::Wants,
        "want*, wanna, need*, demand*, please, pls, plz, kindly, give, get, send, give me, i d like, id like, would like, let me have, chahiye, chahie, chahye, \
         karna, karni, do, dedo, kar do, kardo, karo, de do, dijiye, dilao, lauta*, bhej*, bhijwa*, chahta, chahti, chahte, quiero, quisiera, querria, necesito, prefiero, exijo, solicito, \
         devuelv*, manden, mandame, quero, queria, preciso, gostaria, devolv*, prefiro, اريد, ابغى, ابي, عايز, بدي, ارجو, اطلب, ارجعوا, رجعوا, \
         चाहिए, चाहता, चाहती, चाहते, दीजिए, दीजिये, दो, दें, करो, करें, कीजिए, लौटा*, भेज*, चाई",
    ),
    (
        Cue::Not,
        "not, no, dont, doesnt, didnt, hasnt, havent, isnt, wasnt, arent, cant, wont, never, without, nahi, nahin, nhi, nai, nahn, mat, na, bina, \
         tampoco, nunca, sin, jamas, nao, nem, sem, لا, لم, ما, مو, مش, ليس, لن, بدون, نहीं, नहीं, नही, मत, बिना, ना, না, নেই, નથી, નહીં, இல்லை",
    ),
    (
        Cue::Came,
        "receiv*, come, came, coming, got, gotten, get, credited, credit, arriv*, reach*, deliver, delivered, delivers, returned, sent, paid, showed up, turn* up, mila, mili, mile, \
         aaya, aayi, aaye, aya, ayi, aye, aai, pahunch*, pahuch*, hua, hui, llegad*, llega, llego, llegaron, recib*, abonad*, receb*, cheg*, caiu, veio, vieram, \
         *وصل*, *يصل*, تصل, *استلم*, aa gaya, aa gayi, aa gaye, आ गया, आ गई, आ गए, मिला, मिली, मिले, आया, आयी, आई, आए, पहुंच*, हुआ, হয়নি, পাইনি",
    ),
    (
        Cue::Where,
        "where, wheres, when, status, how long, how much longer, still waiting, waiting for, pending, what happened to, any update, kahan, kaha, kab, \
         kab tak, kya hua, kitne din, donde, cuando, estado, cuanto falta, que paso con, onde, cade, quando, quanto tempo, o que aconteceu com, اين, وين, \
         متى, فين, ماذا حدث, कहां, कहा, कब, क्या हुआ, कितने दिन",
    ),
    (
        Cue::Preferred,
        "rather, prefer*, instead of, prefier*, prefir*, ke bajay, ki bajay, के बजाय, की बजाय, بدل*, بدلا, افضل",
    ),
    (
        Cue::Place,
        "where, wheres, status of, kahan, kaha, kidhar, ka status, donde, estado de, estado del, onde, cade, status do, status da, اين, وين, فين, حاله, कहां, कहा, किधर, स्थिति",
    ),
    (
        Cue::Order,
        "order, orders, parcel, package, shipment, bought, purchase*, ordered, mangaya, mangayi, mangwaya, kharida, pedido*, compra, compre, compramos, paquete*, envio, encomend*, comprei, pacote, \
         *طلبي*, طلب, الطلب, طلبيه, طلبيتي, طرد, الطرد, *شحنه*, شحنتي, اشتري*, ऑर्डर, पार्सल, मंगाया, मंगवाया, खरीदा",
    ),
    (
        Cue::Replacement,
        "replac*, new one, new piece, another one, send another, send .. another, another piece, send .. again, resend, re send, right one, \
         correct one, correct item, right item, instead send, send me the, bring .. again, want .. fresh, need .. fresh, send .. fresh, fresh one, taza bhej*, taaza bhej*, taza chahiye, taaza chahiye, taaza wala, naya bhej*, naya chahiye, nayi chahiye, nayi bhej*, naya piece, dusra bhej*, doosra bhej*, \
         dusra chahiye, doosra chahiye, dubara bhej*, dobara bhej*, phir se bhej*, sahi wala, sahi wali, badal do, badal ke, badalkar, badal dijiye, badlo, \
         reemplaz*, repongan, reposicion, uno nuevo, una nueva, uno fresco, una fresca, otro igual, otra igual, me manden otr*, manden el correcto, el correcto, la correcta, cambien, cambienme, \
         enviar otr*, envien otr*, por otro, por otra, substitu*, um novo, uma nova, um fresco, uma fresca, outro igual, mandar outro, mandem outro, enviem outro, o certo, o correto, a correta, \
         repor, reposicao, troquem, *استبدال*, *بديل*, واحد جديد, واحده جديده, *غيره*, الصحيح, الصحيحه, بدل*, ارسلوا لي, नया भेज*, नई भेज*, नया चाहिए, नई चाहिए, दूसरा भेज*, \
         दूसरी भेज*, दूसरा चाहिए, दूसरी चाहिए, दूसरा, दोबारा भेज*, फिर से भेज*, ताजा भेज*, ताजा चाहिए, बदल दीजिए, बदल दो, बदल दें, बदलकर, बदले, सही वाला, रिप्लेस*, \
         another one, working one, send * again, doosra bhej*, dusra bhej*, mandenme otr*, mandame otr*, me manden otr*",
    ),
    (
        Cue::Send,
        "send me, send us, send the, send a, please send, pls send, ship me, ship the, have .. sent, get .. sent, bhej do, bhej de, bhej dena, bhej dijiye, bhejo, bhejiye, bhejna, bhijwa*, mande, mandem, manden, mandenme, mandame, podem mandar, enviem, envien, envienme, \
         ارسلوا, ارسل لي, ابعثوا, भेज दो, भेज दें, भेज दीजिए, भेजिए, भेजो",
    ),
    (
        Cue::Exchange,
        "exchang*, swap*, change .. size, different size, bigger size, smaller size, another size, other size, different colour, different color, another colour, \
         another color, for a size, size #, ek size, bada size, chhota size, size badal*, color badal*, cambiar .. por, cambiarlo por, cambio de talla, otra talla, otro color, \
         talla, troca*, outro tamanho, tamanho, outra cor, *مقاس*, *تبديل*, لون اخر, قياس, साइज, साइज़, एक्सचेंज*, अदला बदली, ki jagah, की जगह",
    ),
    (
        Cue::Cancel,
        "cancel*, cancle*, call .. off, call it off, dont want .. anymore, dont want .. any more, band kar*, nahi chahiye ab, ab nahi chahiye, order hatao, anul*, cancela*, \
         cancelo, desist*, *الغاء*, *الغي*, *الغوا*, *الغو*, كنسل*, रद्द*, कैंसल*, कैंसिल*, केंसल*, રદ*, কেনসেল, বাতিল*, ரத்து*, కేన్సిల్*, రద్దు*, ರದ್ದು*, റദ്ദ*, ਰੱਦ*, \
         order hata*, ऑर्डर हटा*, call it all off",
    ),
    (
        Cue::Leave,
        "never mind, nevermind, forget it, forget that, forget about it, leave it, let it be, leave it be, keep it, keep the order, keep my order, keep it coming, dont cancel, \
         do not cancel, dont do it, dont do that, no need, changed my mind, change of mind, wait no, actually no, not needed anymore, dont bother, drop it, rehne do, rahne do, rehne dijiye, rahne dijiye, rehne de, \
         rahne de, chhodo, chodo, chhod do, chod do, mat karo, mat kijiye, cancel mat, jaane do, jane do, koi baat nahi, zarurat nahi, dejalo, dejelo, dejenlo, olvidalo, \
         olvidelo, olvida eso, mejor no, ya no hace falta, no hace falta, no lo cancel*, deixa*, deixa pra la, esquece, esqueca, nao precisa, melhor nao, mudei de ideia, nao cancel*, \
         انسي, انس, لا داعي, اترك*, خلاص, لا تلغ*, غيرت رايي, रहने दो, रहने दीजिए, रहने दें, रहने दे, छोड़ो, छोड़ दो, छोडिए, जाने दो, मत करो, मत कीजिए, कैंसल मत, रद्द मत, जरूरत नहीं, \
         ill keep it, ill keep them, i will keep it, i will keep them, im keeping it, ise rakh lun*, ise rakh leta, ise rakh leti, me lo quedo, me la quedo, me los quedo, me las quedo, vou ficar com ele, vou ficar com ela, fico com ele, fico com ela, ساحتفظ به, ساحتفظ بها, इसे रख लूं*, इसे रख लेता, इसे रख लेती",
    ),
    (
        Cue::Thinking,
        "let me think, think about it, think it over, thinking, let me see, let me check, get back to you, not sure yet, undecided, \
         sochta*, sochti*, soch ke, soch kar, sochne do, dekhta hu*, dekhti hu*, lo pienso, pensarlo, dejame pensar, luego te digo, \
         vou pensar, pensar melhor, deixa eu pensar, سافكر, افكر, دعني افكر, सोच*, देखता, देखती",
    ),
    (
        Cue::Later,
        "later, in a minute, one minute, one moment, wait, hold on, baad mein, baad me, ruko, rukiye, luego, mas tarde, espera, un momento, depois, mais tarde, \
         espera ai, um momento, لاحقا, بعدين, لحظه, انتظر, बाद में, रुको, रुकिए",
    ),
    (Cue::Late, "late, delay*, der, deri, tarde, retras*, demor*, atras*, *متاخر*, تاخر*, *تاخير*, देर, देरी, लेट"),
    (
        Cue::Return,
        "return*, send .. back, give .. back, take .. back, pick .. up, pickup, wapas karna, wapas karni, vapas karna, wapis karna, wapas lena, wapas le*, wapas bhej*, lauta*, \
         devolver, devolucion, devolverlo, devolverla, recoger, devolver, devolucao, retirar, *ارجاع*, *ارجع*, اعاده, اعيد, वापस करना, वापस करनी, वापस ले*, लौटाना, रिटर्न*",
    ),
    (
        Cue::Fine,
        "fine, ok, okay, good, great, alright, perfect, correct, right, no problem, no issue, keeping, keep, came properly, received, theek, thik, tik, sahi, accha, acha, achha, badhiya, \
         rakh, rakhna, rakhung*, mil gaya, mil gayi, mil gaye, bien, perfecto, perfecta, correcto, bueno, buena, me quedo, si llego, si llegaron, bem, certo, perfeito, perfeita, otimo, otima, fico com, ficar com, \
         جيد*, سليم*, بخير, تمام, ممتاز*, ساحتفظ, ठीक, सही, अच्छा, अच्छी, अच्छे, रख, मिल गया, मिल गई, मिल गए, ठीक ठाक, \
         beautiful, lovely, nice, survived, came fine, si esta, si estan, lind*, bonit*, hermos*, intact*, chegou certo, chegou bem, veio certo, موجود, موجوده, وصلت سليمه, सुंदर, बढ़िया, sundar, mast",
    ),
    (
        Cue::Whole,
        "full, fully, entire, whole, everything, all, every, complete, completely, poora, pura, puri, poori, pure, poore, sab, sara, saara, sare, saare, saari, sabhi, sabka, \
         todo, toda, todos, todas, completo, completa, entero, entera, total, tudo, inteiro, inteira, كامل*, كل, الكل, جميع, كله, पूरा, पूरी, पूरे, सारा, सारी, सारे, सब, सभी, सबका",
    ),
    (
        Cue::Both,
        "both, two of them, dono, donon, dono hi, ambos, ambas, los dos, las dos, os dois, as duas, كلا*, الاثنين, دونो, दोनों, दोनो",
    ),
    (
        Cue::One,
        "one, 1, single, the other, other one, ek, uno, una, un, el otro, la otra, um, uma, o outro, a outra, واحد, واحده, الاخر, एक, दूसरा, दूसरी, dusra, dusri, doosra",
    ),
    (
        Cue::Missing,
        "missing, not there, wasnt there, was not there, isnt there, left out, forgot*, not in the bag, not in the box, no * in the bag, no * in the box, didnt come, did not come, short, only one, only #, \
         nahi aaya, nahi aayi, nahi aaye, nahi mila, nahi mili, nahi mile, nahi nikla, nahi nikli, nahi tha, nahi thi, kam aaya, kam nikla, gayab, falta*, no vino, no vinieron, no llego el, no llego la, no venia, \
         faltou, faltando, nao veio, nao vieram, nao estava, *ناقص*, *نقص*, غير موجود, لم اجد, नहीं आया, नहीं आयी, नहीं आई, नहीं आए, नहीं मिला, नहीं मिली, नहीं मिले, नहीं निकला, नहीं निकली, नहीं था, गायब, कम",
    ),
    (
        Cue::Disliked,
        "didnt like, did not like, dont like, do not like, pasand nahi, pasand nhi, pasand nahin, no me gusta*, no me gusto, no nos gusto, nao gostei, nao gostamos, لم يعجبني, لم تعجبني, ما عجبني, ما عجبتني, पसंद नहीं",
    ),
    (
        Cue::Wrong,
        "wrong, something else, different one, different item, not what i ordered, not the one i ordered, instead of, ordered .. got, ordered .. and got, got .. instead, mistake, galat, kuch aur, koi aur, dusra hi, \
         ki jagah, equivocad*, incorrect*, otra cosa, otro producto, en vez de, en lugar de, no es lo que pedi, no el que pedi, no la que pedi, errad*, outra coisa, outro produto, em vez de, no lugar de, nao e o que pedi, \
         خطا, *غلط*, مختلف, بدلا من, बदले में, गलत, कुछ और, कोई और, की जगह",
    ),
    (
        Cue::Damaged,
        "damag*, broke*, broken, crack*, crush*, squash*, smash*, torn, leak*, spill*, spoil*, rotten, stale, sour, mold*, mould*, expired, rancid, bad smell, smell*, defect*, faulty, dead, not working, doesnt work, does not work, \
         doesnt switch, does not switch, does not turn, doesnt turn, wont turn, wont switch, stopped working, not switching, burst, melted, dented, dirty, used, opened, toota, tooti, toote, toot ga*, toot chuk*, tut gay*, tuti, tuta, phata, phati, phate, phat gay*, kharab, sad gay*, sada, sadi, basi, leak, khula, kaam nahi kar*, chal nahi raha, nahi chal rah*, \
         roto, rota, quebrad*, danad*, estropead*, podrid*, vencid*, caducad*, no funciona, no enciende, derramad*, abierto, quebrou, estragad*, podre*, vencid*, nao funciona, nao liga, vazou, vazando, aberto, amassad*, \
         *مكسور*, *انكسر*, *تالف*, *فاسد*, *معطل*, *متضرر*, لا يعمل, ما يشتغل, منتهي, *تسرب*, टूट*, फटा, फटी, फटे, फट गय*, खराब, सड़ा, सड़ी, सड़े, सड़ गय*, बासी, लीक, खुला, काम नहीं कर*, नहीं चल*, चल नहीं, गंदा, गंदे",
    ),
    (
        Cue::Delivered,
        "shows delivered, says delivered, marked delivered, marked as delivered, was delivered, is delivered, delivered, delivered dikha*, deliver ho gaya, entregado, figura entregado, entregue, *تسليم*, تم التوصيل, डिलीवर*",
    ),
    (
        Cue::Person,
        "human, real person, a person, speak to, talk to, speak with, talk with, agent, manager, supervisor, representative, executive, call me, call back, callback, customer care, insaan, insan, asli banda, banda, kisi se baat, baat karni, baat karao, baat karwao, \
         call karo, call kijiye, humano, una persona, alguien de verdad, con alguien, agente, supervisor*, encargado, llamenme, pessoa de verdad, uma pessoa, com alguem, atendente, gerente, humano, me ligue, me liguem, \
         موظف*, شخص حقيقي, مع شخص, انسان, مدير, مسؤول, اتصلوا, इंसान, व्यक्ति से, कर्मचारी, किसी से बात, बात करनी, बात कराओ, बात कराइए, मैनेजर, एजेंट",
    ),
    (
        Cue::Address,
        "address*, deliver .. to my, sent to my, send .. to my, to another place, flat, pata badal*, pata galat, ka pata, direccion, domicilio, endereco, *عنوان*, पता, पते, एड्रेस",
    ),
    (
        Cue::Slot,
        "slot, time, tomorrow, later, earlier, evening, morning, afternoon, tonight, reschedul*, postpone*, another day, monday, tuesday, wednesday, thursday, friday, saturday, sunday, kal, parso, shaam, subah, dopahar, der se, \
         manana, tarde, horario, otro dia, lunes, martes, miercoles, jueves, viernes, sabado, domingo, amanha, noite, outro dia, horario, segunda, terca, quarta, quinta, sexta, غدا, بكره, مساء, صباح*, موعد, وقت, कल, परसों, शाम, सुबह, दोपहर, समय, टाइम",
    ),
    (
        Cue::Phone,
        "phone number, contact number, mobile number, another number, new number, different number, number badal*, naya number, phone badal*, telefono, numero de contacto, otro numero, telefone, outro numero, celular, رقم الهاتف, رقم الجوال, رقم جديد, رقم اخر, \
         संपर्क नंबर, फोन नंबर, फ़ोन नंबर, मोबाइल नंबर, नया नंबर, नंबर बदल*",
    ),
    (
        Cue::Instructions,
        "leave .. at, leave .. with, leave .. on, leave .. near, leave .. outside, leave .. under, leave .. behind, keep .. at, keep .. with, dont call, do not call, dont ring, do not ring, ring the bell, dont knock, call before, at the gate, at the door, at reception, guard, security, doorman, neighbour, neighbor, ghanti, bell mat, call mat, phone mat, gate pe, gate par, \
         darwaze, chowkidar, guard ko, padosi, porteri*, portero, conserje, no toquen, toquen, no llamen, dejen*, dejar en, dejarlo, vecino, porteiro, portaria, campainha, nao ligue, nao liguem, deixem, deixar na, deixar no, deixar com, vizinho, \
         اترك*, الحارس, البواب, الباب, الجرس, لا ترن*, لا تتصل*, घंटी, कॉल मत, फोन मत, गेट, दरवाजे, चौकीदार, गार्ड, पड़ोसी, नोट",
    ),
    (
        Cue::Twice,
        "twice, double, two times, 2 times, duplicate*, again charged, do baar, 2 baar, dobara, doble, dos veces, duplicad*, repetid*, duas vezes, em dobro, cobrado dobrado, مرتين, مكرر, दो बार, डबल",
    ),
    (
        Cue::Failed,
        "failed, declined, payment fail*, fail ho, fail dikha*, transaction fail*, fallid*, rechazad*, fallo, falhou, recusad*, nao passou, *فشل*, مرفوض*, फेल, असफल",
    ),
    (
        Cue::Coupon,
        "coupon*, promo*, code, voucher*, cashback, discount, offer, cupon*, codigo, descuento, cupom, desconto, *كوبون*, *قسيمه*, كود, خصم, कूपन, कोड, छूट, ऑफर",
    ),
    (
        Cue::Invoice,
        "invoice*, bill, receipt*, gst, gstin, factura*, recibo, nota fiscal, fatura, *فاتوره*, बिल, इनवॉइस, रसीद",
    ),
    (
        Cue::Repair,
        "repair*, warranty, guarantee, service centre, service center, garantia, reparar, reparac*, conserto, consertar, *ضمان*, *صيانه*, *اصلاح*, theek karwa*, thik karwa*, वारंटी, गारंटी, मरम्मत, रिपेयर",
    ),
    (
        Cue::Telling,
        "just letting you know, just to let you know, just saying, just wanted to tell, just want someone to know, for your information, fyi, just telling you, just informing, bas bata*, bas batana, sirf bata*, \
         solo para que sepan, solo queria avisar, solo aviso, so para avisar, so queria avisar, so avisando, فقط للعلم, للعلم فقط, بس حبيت اخبركم, बस बता*, सिर्फ बता*",
    ),
    (
        Cue::Latest,
        "latest, newest, most recent, last order, recent order, sabse naya, sabse nayi, naya wala, latest wala, aakhri order, ultimo pedido, mas reciente, pedido mais recente, احدث, اخر طلب, सबसे नया, सबसे नई, आखिरी ऑर्डर, ताज़ा",
    ),
    (
        Cue::AllOrders,
        "all .. orders, open orders, both .. orders, two orders, dono order*, donon order*, dos pedidos, dois pedidos, everything .. open, everything i have, both my orders, الطلبين, दोनों ऑर्डर*, दोनो ऑर्डर*, all orders, all of my orders, every order, my orders, each order, sab orders, sabhi orders, saare orders, sare order, saare order, sab order, mere orders, todos mis pedidos, mis pedidos, todos os meus pedidos, meus pedidos, \
         كل طلباتي, جميع طلباتي, طلباتي, सभी ऑर्डर, सारे ऑर्डर, मेरे ऑर्डर",
    ),
    (
        Cue::Thanks,
        "thank*, thx, tysm, dhanyava*, dhanyawa*, shukriya, gracias, obrigad*, valeu, شكرا*, مشكور*, धन्यवाद, शुक्रिया, थैंक*",
    ),
    (
        Cue::Conduct,
        "rude, rider, delivery boy, delivery guy, delivery man, delivery partner, delivery person, driver, courier, shout*, yell*, abus*, insult*, misbehav*, badtameez*, badtamiz*, gaali, chilla*, repartidor*, mensajero, groser*, maleducad*, entregador*, grosseir*, motoboy, \
         *مندوب*, *السائق*, وقح*, डिलीवरी वाला, डिलीवरी वाले, डिलीवरी बॉय, राइडर, बदतमीज*, चिल्ला*",
    ),
    (
        Cue::Machine,
        "are you a bot, are you a robot, are you a human, are you human, are you real, a human or, human or a, bot or, machine, is this a bot, am i talking to a, kya aap bot, robot ho, bot ho, insaan ho ya, eres un robot, eres un bot, eres humano, eres una maquina, \
         voce e um robo, e um robo, voce e humano, e humano, هل انت روبوت, انت روبوت, هل انت انسان, क्या आप रोबोट, रोबोट हो, आप इंसान हैं",
    ),
    (
        Cue::Remedy,
        "what are you going to do, what will you do, do something, going to do about, fix this, fix it, sort this out, sort it out, kuch karo, kuch kijiye, ab kya karoge, kya karoge, jaldi bhej*, jaldi bhijwa*, jaldi karo, jaldi karwa*, call the rider, call the driver, call him, \
         find out, pata karo, pata karke, pucho, poocho, hagan algo, que van a hacer, haz algo, averigu*, llamen al, facam algo, o que vao fazer, resolvam, descubra*, ligue para, افعلوا شيئا, ماذا ستفعلون, حلوا, कुछ करो, कुछ कीजिए, अब क्या करोगे, पता कर*, जल्दी भेज*, पूछो, पूछिए, hurry up, faster",
    ),
];
