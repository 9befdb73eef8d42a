using System.Diagnostics;
using MessageDelivery.Scenarios;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Processes;

/// <summary>The client of clients/typescript in a Node of its own. <c>./torture</c> has compiled it.</summary>
internal sealed class TypeScriptClient : IDisposable
{
    private readonly string _folder = Path.Combine(Repository.Root, "clients", "typescript");

    // Node cannot make the random bytes that bodies consist of.
    private readonly string _pattern = Path.GetTempFileName();

    public TypeScriptClient()
    {
        if (!File.Exists(Script))
        {
            throw new FileNotFoundException($"{Script} is missing; ./torture compiles it");
        }

        File.WriteAllBytes(_pattern, Body.AllBytes);
    }

    private string Script => Path.Combine(_folder, "build", "torture", "client.js");

    /// <summary>A process of it.</summary>
    /// <param name="arguments">What it is told.</param>
    /// <param name="scheme"><c>tcp</c> or <c>ws</c>.</param>
    public ProcessStartInfo ToCommand(ClientArguments arguments, string scheme) => new(
        Path.Combine(_folder, "node_modules", ".bin", "node"),
        ["--enable-source-maps", Script, .. arguments.ToCommandLine(), "--scheme", scheme, "--pattern", _pattern]);

    public void Dispose() => File.Delete(_pattern);
}
