using System.Globalization;
using Microsoft.Extensions.Logging;
using Posthorn.Storage.Sql;

namespace Posthorn.Storage.Migrations;

/// <summary>Brings a store to this program's schema: numbered texts, each in one transaction, after a snapshot.</summary>
static class Schema
{
    static readonly SqlText ReadSchema = new("SELECT value FROM meta WHERE name = 'schema'");
    static readonly SqlText WriteSchema = new("UPDATE meta SET value = $1 WHERE name = 'schema'");

    /// <summary>The migrations in order; the schema's number is how many have run.</summary>
    internal static readonly IReadOnlyList<string> Known = Load();

    /// <summary>The store's schema, 0 for a new one; throws when it is newer than <paramref name="known"/>.</summary>
    internal static int Read(ISqlEngine engine, ISqlSession session, int known)
    {
        var schema = engine.HasSchema(session) ? (int)(session.Use(ReadSchema).Scalar() ?? 0) : 0;
        if (schema > known)
            throw new StoreException($"this store has schema {schema}; this program knows up to {known}: upgrade posthorn");
        return schema;
    }

    internal static void Upgrade(ISqlEngine engine, ISqlSession writer, IReadOnlyList<string> migrations, ILogger logger)
    {
        var schema = Read(engine, writer, migrations.Count);
        if (schema == migrations.Count)
            return;
        if (schema > 0)
            logger.LogInformation("store schema {Old} will become {New}; snapshot at {Path}", schema, migrations.Count, engine.Snapshot(writer, schema + 1));
        for (; schema < migrations.Count; schema++)
        {
            writer.Begin(write: true);
            try
            {
                // Another node may have been faster.
                if (Read(engine, writer, migrations.Count) == schema)
                {
                    writer.RunScript(engine.Translate(migrations[schema]));
                    writer.Use(WriteSchema).Bind(1, (long)schema + 1).Run();
                }
                writer.Commit();
            }
            catch
            {
                writer.Rollback();
                throw;
            }
        }
    }

    static List<string> Load()
    {
        var assembly = typeof(Schema).Assembly;
        var names = assembly.GetManifestResourceNames().Where(static n => n.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        var texts = new List<string>();
        foreach (var name in names)
        {
            if (!name.StartsWith((texts.Count + 1).ToString("0000", CultureInfo.InvariantCulture), StringComparison.Ordinal))
                throw new InvalidOperationException("migrations are not numbered one by one: " + name);
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            texts.Add(reader.ReadToEnd());
        }
        return texts;
    }
}
