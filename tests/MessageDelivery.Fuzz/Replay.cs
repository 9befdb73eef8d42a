using MessageDelivery.Fuzz.Inputs;
using MessageDelivery.Fuzz.Targets;

namespace MessageDelivery.Fuzz;

/// <summary>Runs a target without a fuzzer: over its corpus, and over inputs that are made of it with a fixed seed.</summary>
internal static class Replay
{
    public const int Seed = 20_240_801;

    /// <summary>Tries every input and returns how many there were.</summary>
    /// <exception cref="OracleException">One fails; the message tells which, and what it was is in <c>artifacts/fuzz</c>.</exception>
    public static int Run(string name, int mutations, int seed = Seed)
    {
        var corpus = CorpusFolder.Load(Path.Combine(CorpusFolder.Root, name));
        Oracle.True(corpus.Count > 0, $"the corpus of {name} is empty");
        var mutator = new Mutator(seed);
        int tried = 0;
        foreach (byte[] input in corpus.Concat(Enumerable.Range(0, mutations).Select(_ => mutator.Mutate(corpus))))
        {
            Try(name, input);
            tried++;
        }

        return tried;
    }

    private static void Try(string name, byte[] input)
    {
        try
        {
            FuzzTargets.All[name](input);
        }
        catch (Exception error)
        {
            string folder = Path.Combine(CorpusFolder.Findings, name);
            CorpusFolder.Save(folder, [input]);
            throw new OracleException($"{name} fails for {Path.Combine(folder, CorpusFolder.Name(input))}: {error}");
        }
    }
}
