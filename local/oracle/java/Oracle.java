package org.opensearch.security.privileges; // the plugin's own package: what is package-private there is in reach

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.opensearch.Version;
import org.opensearch.action.ActionRequest;
import org.opensearch.action.IndicesRequest;
import org.opensearch.action.admin.cluster.health.ClusterHealthRequest;
import org.opensearch.action.admin.indices.create.CreateIndexRequest;
import org.opensearch.action.admin.indices.delete.DeleteIndexRequest;
import org.opensearch.action.bulk.BulkRequest;
import org.opensearch.action.get.GetRequest;
import org.opensearch.action.index.IndexRequest;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.action.support.IndicesOptions;
import org.opensearch.action.update.UpdateRequest;
import org.opensearch.cluster.ClusterName;
import org.opensearch.cluster.ClusterState;
import org.opensearch.cluster.metadata.AliasMetadata;
import org.opensearch.cluster.metadata.DataStream;
import org.opensearch.cluster.metadata.IndexMetadata;
import org.opensearch.cluster.metadata.IndexNameExpressionResolver;
import org.opensearch.cluster.metadata.Metadata;
import org.opensearch.common.settings.Settings;
import org.opensearch.common.util.concurrent.ThreadContext;
import org.opensearch.core.common.transport.TransportAddress;
import org.opensearch.core.index.Index;
import org.opensearch.core.xcontent.NamedXContentRegistry;
import org.opensearch.search.SearchModule;
import org.opensearch.security.securityconf.impl.CType;
import org.opensearch.security.securityconf.impl.SecurityDynamicConfiguration;
import org.opensearch.security.support.ConfigConstants;
import org.opensearch.security.support.WildcardMatcher;

/**
 * The Security plugin's own classes asked in one process, without a node: a line of JSON in, a line of JSON out.
 *
 * A line is a list of cases; local/oracle/plugin.py says what one looks like. What is ours is the state of the cluster and the request:
 * who may do what, and sees what of it, the plugin's classes answer. What differs between releases is in Rules.java of each.
 */
public final class Oracle {
    static final ObjectMapper JSON = new ObjectMapper();
    static final ThreadContext THREADS = new ThreadContext(Settings.EMPTY);
    static final IndexNameExpressionResolver RESOLVER = new IndexNameExpressionResolver(THREADS);
    static final NamedXContentRegistry QUERIES = new NamedXContentRegistry(new SearchModule(Settings.EMPTY, List.of()).getNamedXContents());

    public static void main(String[] none) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // nothing but answers may come there
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            List<Object> told = new ArrayList<>();
            for (JsonNode one : JSON.readTree(line)) told.add(told(one));
            out.println(JSON.writeValueAsString(told));
        }
        System.exit(0); // threads of a pool that is not needed any more
    }

    private static Object told(JsonNode one) throws Exception {
        try {
            return one.has("match") ? matched(one.get("match")) : answered(one);
        } catch (RuntimeException failed) { // no case, or no world that a cluster could be
            return Map.of("unusable", failed.toString());
        }
    }

    /** [pattern, candidate] pairs; null where Java cannot read the pattern. */
    private static Object matched(JsonNode pairs) {
        List<Object> found = new ArrayList<>();
        for (JsonNode pair : pairs) {
            try {
                found.add(WildcardMatcher.from(pair.get(0).asText()).test(pair.get(1).asText()));
            } catch (RuntimeException unreadable) {
                found.add(null);
            }
        }
        return Map.of("matched", found);
    }

    private static Object answered(JsonNode one) throws Exception {
        ClusterState state = state(one.get("world"));
        Rules rules;
        try {
            rules = new Rules(one.get("security"), one.get("world"), state);
        } catch (RuntimeException failed) { // a pattern that is no expression, say: a node keeps what it had before
            return Map.of("unloadable", failed.toString());
        }
        try (rules) {
            Map<String, JsonNode> people = new HashMap<>();
            one.get("people").forEach(person -> people.put(person.get("name").asText(), person));
            List<Object> answers = new ArrayList<>();
            for (JsonNode question : one.get("questions")) {
                answers.add(ask(rules, state, people.get(question.get("who").asText()), question, strings(one.path("fields"))));
            }
            return Map.of("answers", answers);
        }
    }

    private static Map<String, Object> ask(Rules rules, ClusterState state, JsonNode who, JsonNode question, List<String> fields)
        throws Exception {
        Map<String, Object> answer = new LinkedHashMap<>();
        String action = question.get("action").asText();
        try (var before = THREADS.stashContext()) {
            List<String> hosts = strings(who.path("hosts"));
            if (!hosts.isEmpty()) THREADS.putTransient(ConfigConstants.OPENDISTRO_SECURITY_REMOTE_ADDRESS, address(hosts));
            ActionRequest request = request(action, strings(question.path("indices")).toArray(new String[0]), question.path("options"));
            PrivilegesEvaluationContext context = rules.context(who, action, request);
            answer.put("roles", context.getMappedRoles());
            PrivilegesEvaluatorResponse response = rules.evaluate(context); // changes the request where it leaves out what is forbidden
            answer.put("allowed", response.isAllowed());
            if (!response.isAllowed()) return answer;
            boolean ofCluster = rules.isClusterPermission(action) || !(request instanceof IndicesRequest);
            if (ofCluster && !rules.guardsCluster()) return answer;
            try {
                answer.put("limited", rules.limited(context)); // as what guards a request asks, before it is done
            } catch (PrivilegesEvaluationException failed) {
                answer.put("allowed", false); // the node answers 500
                return answer;
            }
            if (ofCluster || request instanceof CreateIndexRequest || request instanceof IndexRequest || request instanceof UpdateRequest) return answer;
            List<String> reached = List.of(RESOLVER.concreteIndexNames(state, (IndicesRequest) request));
            Map<String, Object> views = new TreeMap<>();
            for (String index : reached) views.put(index, rules.view(context, index, fields));
            answer.put("views", views);
        } catch (RuntimeException failed) { // after the decision: a name that is not there, a closed index
            answer.put("error", failed.toString());
        }
        return answer;
    }

    /** How names are resolved depends on the kind of request that carries the action. What is not named here travels in a search. */
    private static ActionRequest request(String action, String[] indices, JsonNode options) {
        SearchRequest search = new SearchRequest(indices);
        if (!options.isMissingNode()) {
            Map<String, Object> how = new HashMap<>();
            options.properties().forEach(option -> how.put(option.getKey(), option.getValue().asText()));
            search.indicesOptions(IndicesOptions.fromMap(how, search.indicesOptions()));
        }
        if (action.startsWith("cluster:")) return new ClusterHealthRequest();
        return switch (action) {
            case "indices:data/write/bulk" -> new BulkRequest();
            case "indices:data/read/get" -> new GetRequest(indices[0], "1");
            case "indices:data/write/index" -> new IndexRequest(indices[0]);
            case "indices:data/write/update" -> new UpdateRequest(indices[0], "1");
            case "indices:admin/create" -> new CreateIndexRequest(indices[0]);
            case "indices:admin/delete" -> new DeleteIndexRequest(indices);
            default -> search;
        };
    }

    private static TransportAddress address(List<String> of) throws Exception { // [address] or [address, name]; no name is looked up
        byte[] number = java.net.InetAddress.getByName(of.get(0)).getAddress();
        return new TransportAddress(java.net.InetAddress.getByAddress(of.get(of.size() - 1), number), 9300);
    }

    /** A collection as the node reads it from its index. */
    static <T> SecurityDynamicConfiguration<T> read(CType<T> kind, JsonNode security) throws Exception {
        ObjectNode document = JSON.createObjectNode();
        document.putObject("_meta").put("type", kind.toLCString()).put("config_version", 2);
        security.path(kind.toLCString()).properties().forEach(entry -> document.set(entry.getKey(), entry.getValue()));
        return SecurityDynamicConfiguration.fromJson(JSON.writeValueAsString(document), kind, 2, 0, 0);
    }

    static Settings settings(JsonNode world) {
        Settings.Builder settings = Settings.builder().put("cluster.name", "oracle");
        world.path("settings").properties().forEach(entry -> settings.put(entry.getKey(), entry.getValue().asText()));
        return settings.build();
    }

    private static ClusterState state(JsonNode world) {
        Metadata.Builder metadata = Metadata.builder();
        Map<String, Index> made = new HashMap<>();
        List<String> hidden = strings(world.path("hidden")), closed = strings(world.path("closed"));
        for (String name : strings(world.path("indices"))) {
            Settings.Builder of = Settings.builder()
                .put("index.uuid", "uuid-" + name)
                .put(IndexMetadata.SETTING_VERSION_CREATED, Version.CURRENT)
                .put("index.hidden", hidden.contains(name))
                .put("index.number_of_shards", 1)
                .put("index.number_of_replicas", 0);
            IndexMetadata.State at = closed.contains(name) ? IndexMetadata.State.CLOSE : IndexMetadata.State.OPEN;
            IndexMetadata.Builder index = IndexMetadata.builder(name).state(at).settings(of);
            world.path("aliases").properties().stream()
                .filter(alias -> strings(alias.getValue()).contains(name))
                .forEach(alias -> index.putAlias(AliasMetadata.builder(alias.getKey())));
            metadata.put(index.build(), false);
            made.put(name, metadata.get(name).getIndex());
        }
        world.path("streams").properties().forEach(stream -> {
            List<Index> members = strings(stream.getValue()).stream().map(made::get).toList();
            metadata.put(new DataStream(stream.getKey(), new DataStream.TimestampField("@timestamp"), members, members.size()));
        });
        return ClusterState.builder(new ClusterName("oracle")).metadata(metadata).build();
    }

    static List<String> strings(JsonNode list) {
        List<String> found = new ArrayList<>();
        list.forEach(one -> found.add(one.asText()));
        return found;
    }
}
