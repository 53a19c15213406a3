//! What notices say of trouble, in six languages: what is wrong, and the way out. Numbers stand behind their label.

use certyard_domain::alerts::{Code, Language, Notice, Trouble};

/// One line for each trouble of a notice.
pub(crate) fn lines(notice: &Notice) -> Vec<String> {
    let line = |trouble: &Trouble| {
        let text = text(notice.language, trouble.code);
        text.replace("{count}", &trouble.count.to_string())
    };
    notice.troubles.iter().map(line).collect()
}

fn text(language: Language, code: Code) -> &'static str {
    match language {
        Language::En => en(code),
        Language::Sv => sv(code),
        Language::De => de(code),
        Language::Cs => cs(code),
        Language::Uk => uk(code),
        Language::Ru => ru(code),
    }
}

fn en(code: Code) -> &'static str {
    match code {
        Code::NoRecipients => {
            "Nobody is told of certificates that expire or have expired ({count}): enter recipients or channels in the notification settings."
        }
        Code::MailNotConfigured => {
            "There are recipients, and no mail server is set up, so no mail leaves: enter it in the mail settings."
        }
        Code::SweepLate => {
            "Certificates have not been looked through for two hours or longer: see whether the worker runs, and its log."
        }
        Code::CertificatesFailing => {
            "Certificates whose alert cannot be written: {count}. The log of the worker says why."
        }
        Code::MailDelayed => {
            "Messages that have been waiting for half an hour or longer: {count}. The list of messages shows what the mail server or the receiver says."
        }
        Code::MessageDead => {
            "Messages that were given up or refused: {count}. Put the mail server or the channel right, and send them again from the list of messages."
        }
        Code::RecipientsSuspended => {
            "Recipients that get no mail, as their server refused it: {count}. Correct or resume them in the notification settings."
        }
    }
}

fn sv(code: Code) -> &'static str {
    match code {
        Code::NoRecipients => {
            "Ingen får veta om certifikat som upphör eller har upphört ({count}): ange mottagare eller kanaler i inställningarna för meddelanden."
        }
        Code::MailNotConfigured => {
            "Det finns mottagare men ingen e-postserver, så inga meddelanden skickas: ange den i inställningarna för e-post."
        }
        Code::SweepLate => {
            "Certifikaten har inte gåtts igenom på två timmar eller mer: kontrollera om arbetsprocessen är i gång, och dess logg."
        }
        Code::CertificatesFailing => {
            "Certifikat vars varning inte kan skrivas: {count}. Arbetsprocessens logg säger varför."
        }
        Code::MailDelayed => {
            "Meddelanden som har väntat i en halvtimme eller mer: {count}. Listan över meddelanden visar vad e-postservern eller mottagaren svarar."
        }
        Code::MessageDead => {
            "Meddelanden som gavs upp eller avvisades: {count}. Rätta e-postservern eller kanalen och skicka dem igen från listan över meddelanden."
        }
        Code::RecipientsSuspended => {
            "Mottagare som inte får e-post eftersom deras server avvisade den: {count}. Rätta eller återuppta dem i inställningarna för meddelanden."
        }
    }
}

fn de(code: Code) -> &'static str {
    match code {
        Code::NoRecipients => {
            "Niemand erfährt von Zertifikaten, die ablaufen oder abgelaufen sind ({count}): Tragen Sie in den Einstellungen der Benachrichtigungen Empfänger oder Kanäle ein."
        }
        Code::MailNotConfigured => {
            "Es gibt Empfänger, aber keinen Mailserver; es geht keine Mail hinaus: Tragen Sie ihn in den Mail-Einstellungen ein."
        }
        Code::SweepLate => {
            "Die Zertifikate wurden seit zwei Stunden oder länger nicht durchgesehen: Prüfen Sie, ob der Worker läuft, und sein Protokoll."
        }
        Code::CertificatesFailing => {
            "Zertifikate, deren Warnung nicht geschrieben werden kann: {count}. Das Protokoll des Workers sagt, warum."
        }
        Code::MailDelayed => {
            "Nachrichten, die seit einer halben Stunde oder länger warten: {count}. Die Liste der Nachrichten zeigt, was der Mailserver oder der Empfänger sagt."
        }
        Code::MessageDead => {
            "Nachrichten, die aufgegeben oder abgelehnt wurden: {count}. Bringen Sie den Mailserver oder den Kanal in Ordnung und senden Sie sie in der Liste der Nachrichten erneut."
        }
        Code::RecipientsSuspended => {
            "Empfänger, die keine Mail bekommen, da ihr Server sie ablehnte: {count}. Korrigieren oder reaktivieren Sie sie in den Einstellungen der Benachrichtigungen."
        }
    }
}

fn cs(code: Code) -> &'static str {
    match code {
        Code::NoRecipients => {
            "O certifikátech, které vyprší nebo vypršely ({count}), se nikdo nedozví: zadejte příjemce nebo kanály v nastavení oznámení."
        }
        Code::MailNotConfigured => {
            "Příjemci jsou zadáni, ale poštovní server ne, takže žádná pošta neodchází: zadejte jej v nastavení pošty."
        }
        Code::SweepLate => {
            "Certifikáty nebyly dvě hodiny nebo déle procházeny: ověřte, zda pracovní proces běží, a podívejte se do jeho protokolu."
        }
        Code::CertificatesFailing => {
            "Certifikáty, jejichž varování nelze zapsat: {count}. Důvod je v protokolu pracovního procesu."
        }
        Code::MailDelayed => {
            "Zprávy, které čekají půl hodiny nebo déle: {count}. Seznam zpráv ukazuje, co odpovídá poštovní server nebo příjemce."
        }
        Code::MessageDead => {
            "Zprávy, které byly vzdány nebo odmítnuty: {count}. Opravte poštovní server nebo kanál a odešlete je znovu ze seznamu zpráv."
        }
        Code::RecipientsSuspended => {
            "Příjemci, kteří nedostávají poštu, protože ji jejich server odmítl: {count}. Opravte je nebo obnovte v nastavení oznámení."
        }
    }
}

fn uk(code: Code) -> &'static str {
    match code {
        Code::NoRecipients => {
            "Нікого не сповіщають про сертифікати, дія яких закінчується або закінчилася ({count}): вкажіть одержувачів або канали в налаштуваннях сповіщень."
        }
        Code::MailNotConfigured => {
            "Одержувачі є, а поштовий сервер не налаштовано, тому листи не надсилаються: вкажіть його в налаштуваннях пошти."
        }
        Code::SweepLate => {
            "Сертифікати не переглядалися дві години або довше: перевірте, чи працює робочий процес, і його журнал."
        }
        Code::CertificatesFailing => {
            "Сертифікати, попередження про які не вдається записати: {count}. Причину вказано в журналі робочого процесу."
        }
        Code::MailDelayed => {
            "Повідомлення, що чекають пів години або довше: {count}. У списку повідомлень видно, що відповідає поштовий сервер або одержувач."
        }
        Code::MessageDead => {
            "Повідомлення, від яких відмовилися або які було відхилено: {count}. Виправте поштовий сервер або канал і надішліть їх знову зі списку повідомлень."
        }
        Code::RecipientsSuspended => {
            "Одержувачі, які не отримують листів, бо їхній сервер їх відхилив: {count}. Виправте або відновіть їх у налаштуваннях сповіщень."
        }
    }
}

fn ru(code: Code) -> &'static str {
    match code {
        Code::NoRecipients => {
            "Никого не уведомляют о сертификатах, срок которых истекает или истёк ({count}): укажите получателей или каналы в настройках уведомлений."
        }
        Code::MailNotConfigured => {
            "Получатели есть, а почтовый сервер не настроен, поэтому письма не отправляются: укажите его в настройках почты."
        }
        Code::SweepLate => {
            "Сертификаты не просматривались два часа или дольше: проверьте, работает ли рабочий процесс, и его журнал."
        }
        Code::CertificatesFailing => {
            "Сертификаты, предупреждение о которых не удаётся записать: {count}. Причина указана в журнале рабочего процесса."
        }
        Code::MailDelayed => {
            "Сообщения, которые ждут полчаса или дольше: {count}. В списке сообщений видно, что отвечает почтовый сервер или получатель."
        }
        Code::MessageDead => {
            "Сообщения, доставка которых прекращена или отклонена: {count}. Исправьте почтовый сервер или канал и отправьте их снова из списка сообщений."
        }
        Code::RecipientsSuspended => {
            "Получатели, которые не получают писем, так как их сервер отказал: {count}. Исправьте или возобновите их в настройках уведомлений."
        }
    }
}
