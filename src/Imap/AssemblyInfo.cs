using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Posthorn.Tests.Unit")]
