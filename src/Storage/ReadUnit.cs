using Posthorn.Storage.Sql;

namespace Posthorn.Storage;

/// <summary>Tables open for reading in one snapshot.</summary>
public class ReadUnit
{
    internal ReadUnit(ISqlSession session, TimeProvider time)
    {
        Session = session;
        Time = time;
        Directory = new Directory.DirectoryTables(this);
        ReversePaths = new Directory.ReversePathTable(this);
        Mailboxes = new Messages.MailboxTables(this);
        Places = new Messages.PlaceScans(this);
        Arrivals = new Messages.ArrivalScans(this);
        Threads = new Messages.ThreadTable(this);
        Subscriptions = new Messages.SubscriptionTable(this);
        Rights = new Sharing.RightsTable(this);
        Annotations = new Sharing.AnnotationTable(this);
        UrlKeys = new Sharing.UrlKeyTable(this);
        Imports = new Imports.ImportTable(this);
        Archives = new Archives.ArchiveTable(this);
        Retentions = new Archives.RetentionTable(this);
        Events = new Events.EventTable(this);
        Queue = new Queue.QueueTables(this);
        Blobs = new Blobs.BlobTable(this);
    }

    public Directory.DirectoryTables Directory { get; }
    public Directory.ReversePathTable ReversePaths { get; }
    public Messages.MailboxTables Mailboxes { get; }
    public Messages.PlaceScans Places { get; }
    public Messages.ArrivalScans Arrivals { get; }
    public Messages.ThreadTable Threads { get; }
    public Messages.SubscriptionTable Subscriptions { get; }
    public Sharing.RightsTable Rights { get; }
    public Sharing.AnnotationTable Annotations { get; }
    public Sharing.UrlKeyTable UrlKeys { get; }
    public Imports.ImportTable Imports { get; }
    public Archives.ArchiveTable Archives { get; }
    public Archives.RetentionTable Retentions { get; }
    public Events.EventTable Events { get; }
    public Queue.QueueTables Queue { get; }

    internal Blobs.BlobTable Blobs { get; }
    internal ISqlSession Session { get; }
    internal TimeProvider Time { get; }

    /// <summary>Microseconds since 1970.</summary>
    internal long Now => Time.GetUtcNow().ToMicroseconds();

    /// <summary>This unit as a writing one; a query must not come here.</summary>
    internal WriteUnit Writing => this as WriteUnit ?? throw new InvalidOperationException("writes need MailStore.WriteAsync");
}
