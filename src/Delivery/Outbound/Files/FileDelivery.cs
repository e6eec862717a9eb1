using Microsoft.Extensions.Logging;
using Posthorn.Accounts.Routes;

namespace Posthorn.Delivery.Outbound.Files;

/// <summary>Delivers into files of this machine, one for each recipient.</summary>
sealed class FileDelivery(string hostname, TimeProvider time, ILogger logger)
{
    internal async ValueTask DeliverAsync(ResultSheet sheet, Transport transport, MessageText text, CancellationToken ct)
    {
        foreach (var i in sheet.Open.ToArray())
        {
            ct.ThrowIfCancellationRequested();
            var recipient = sheet.Job.Recipients[i];
            var address = sheet.Addresses[i]!;
            if (FilePath.For(transport.Path!, address) is not { } path)
            {
                sheet.Set(i, new(recipient, AttemptStatus.Failed, "5.1.3", "the address cannot be the name of a mailbox file", false, null, null));
                continue;
            }
            try
            {
                sheet.Job.Journal.DotSent([recipient]);
                var user = transport.Path!.Contains("{user}", StringComparison.Ordinal) ? address.LocalPart.ToLowerInvariant() : null;
                // Disks are waited for on a thread of its own turn: a delivery is no reason to hold up others.
                if (transport.Kind == TransportKind.Mbox) await Task.Run(() => new MboxFile(path, time).AppendAsync(user, sheet.Job.Message.ReversePath, address, text, ct), ct).ConfigureAwait(false);
                else await Task.Run(() => new MaildirFile(path, hostname, time).Deliver(user, sheet.Job.Message.ReversePath, address, text), ct).ConfigureAwait(false);
                var reply = $"written to {path}";
                sheet.Set(i, new(recipient, AttemptStatus.Delivered, "2.0.0", reply, false, path, null));
                sheet.Job.Journal.Taken(recipient, reply);
            }
            catch (FileTrouble e)
            {
                Fail(sheet, i, path, e.Final, e.Detail, e.Message);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Fail(sheet, i, path, final: false, (e.HResult & 0xffff) is FileCalls.ENOSPC or FileCalls.EDQUOT ? "3.1" : "3.0", e.Message);
            }
        }
    }

    /// <summary>One user's file says nothing about another's, so the destination stays good but for a full disk.</summary>
    void Fail(ResultSheet sheet, int i, string path, bool final, string detail, string why)
    {
        why = ReplyWords.Clean(why);
        OutboundLog.FileTrouble(logger, sheet.Id, path, why);
        var status = final ? AttemptStatus.Failed : AttemptStatus.Deferred;
        sheet.Set(i, new(sheet.Job.Recipients[i], status, ReplyWords.Class(status) + detail, why, false, path, null));
        sheet.Note(detail == "3.1" ? DestinationHealth.Down : DestinationHealth.Good);
    }
}
