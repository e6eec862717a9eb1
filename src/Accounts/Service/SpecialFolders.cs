using Posthorn.Storage.Messages;

namespace Posthorn.Accounts.Service;

/// <summary>The folders that an account begins with besides INBOX (RFC 6154), named in its language.</summary>
static class SpecialFolders
{
    static readonly MailboxRole[] Roles = [MailboxRole.Drafts, MailboxRole.Sent, MailboxRole.Junk, MailboxRole.Trash, MailboxRole.Archive];

    static readonly string[] English = ["Drafts", "Sent", "Junk", "Trash", "Archive"];

    static readonly Dictionary<string, string[]> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        ["cs"] = ["Koncepty", "Odeslané", "Nevyžádaná pošta", "Koš", "Archiv"],
        ["da"] = ["Kladder", "Sendt", "Uønsket", "Papirkurv", "Arkiv"],
        ["de"] = ["Entwürfe", "Gesendet", "Spam", "Papierkorb", "Archiv"],
        ["en"] = English,
        ["es"] = ["Borradores", "Enviados", "Correo no deseado", "Papelera", "Archivo"],
        ["fi"] = ["Luonnokset", "Lähetetyt", "Roskaposti", "Roskakori", "Arkisto"],
        ["fr"] = ["Brouillons", "Envoyés", "Indésirables", "Corbeille", "Archives"],
        ["hu"] = ["Piszkozatok", "Elküldött", "Levélszemét", "Kuka", "Archívum"],
        ["it"] = ["Bozze", "Inviata", "Indesiderata", "Cestino", "Archivio"],
        ["nb"] = ["Utkast", "Sendt", "Søppelpost", "Papirkurv", "Arkiv"],
        ["nl"] = ["Concepten", "Verzonden", "Ongewenst", "Prullenbak", "Archief"],
        ["pl"] = ["Szkice", "Wysłane", "Spam", "Kosz", "Archiwum"],
        ["pt"] = ["Rascunhos", "Enviados", "Lixo eletrónico", "Lixo", "Arquivo"],
        ["sv"] = ["Utkast", "Skickat", "Skräppost", "Papperskorg", "Arkiv"],
        ["tr"] = ["Taslaklar", "Gönderilmiş", "İstenmeyen", "Çöp", "Arşiv"],
    };

    /// <summary>Makes them for a new account.</summary>
    /// <param name="language">A tag of RFC 5646; of one that is not known here, and of none, the names are English.</param>
    internal static void Make(MailboxTables mailboxes, long accountId, string language)
    {
        var dash = language.IndexOf('-');
        var names = Names.GetValueOrDefault(dash < 0 ? language : language[..dash], English);
        for (var i = 0; i < Roles.Length; i++) mailboxes.Create(accountId, names[i], Roles[i]);
    }
}
