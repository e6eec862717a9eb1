using Posthorn.Storage;
using Posthorn.Storage.Messages;

namespace Posthorn.Accounts.Service;

/// <summary>The folders that an account begins with besides INBOX (RFC 6154), named in its language.</summary>
public static class SpecialFolders
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

    /// <summary>
    /// Makes them for accounts that never had them, being older than they are. A folder of such a name is taken for it, and what
    /// already is for the purpose stays; an account that had its folders once is left alone, whatever became of them.
    /// </summary>
    /// <returns>How many accounts got them.</returns>
    public static async ValueTask<int> CompleteAsync(MailStore store, CancellationToken ct = default)
    {
        if (store.Read(static unit => unit.Directory.AccountsWithoutFolders()).Count == 0) return 0;
        return await store.WriteAsync(static unit =>
        {
            // Asked again: another node may have been faster.
            var accounts = unit.Directory.AccountsWithoutFolders();
            foreach (var id in accounts) Make(unit, id, unit.Directory.Account(id)!.Language);
            return accounts.Count;
        }, ct).ConfigureAwait(false);
    }

    /// <summary>Makes those that an account has not, and notes that this was done.</summary>
    /// <param name="language">A tag of RFC 5646; of one that is not known here, and of none, the names are English.</param>
    internal static void Make(WriteUnit unit, long accountId, string language)
    {
        var dash = language.IndexOf('-');
        var names = Names.GetValueOrDefault(dash < 0 ? language : language[..dash], English);
        var there = unit.Mailboxes.List(accountId);
        for (var i = 0; i < Roles.Length; i++)
        {
            if (there.Any(m => m.Role == Roles[i])) continue;
            if (there.FirstOrDefault(m => m.Name.Equals(names[i], StringComparison.OrdinalIgnoreCase)) is not { } named) unit.Mailboxes.Create(accountId, names[i], Roles[i]);
            else if (named.Role == MailboxRole.None) unit.Mailboxes.SetRole(accountId, named.Id, Roles[i]);
        }
        unit.Directory.NoteFolders(accountId);
    }
}
