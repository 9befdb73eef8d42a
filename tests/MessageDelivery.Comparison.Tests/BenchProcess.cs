using System.Diagnostics;
using System.Runtime.InteropServices;

namespace MessageDelivery.Comparison.Tests;

/// <summary>The built program <c>bench</c>, run to its end.</summary>
internal sealed record BenchProcess(int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>The folder that all projects are built into.</summary>
    public static string Built { get; } = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../.."));

    public static async Task<BenchProcess> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Built, "MessageDelivery.Comparison", "release", "bench"), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The apphost looks for the runtime where the tests' own came from.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }

        return new(process.ExitCode, await output, await error);
    }
}
